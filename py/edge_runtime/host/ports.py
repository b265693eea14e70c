"""The outside world as the core sees it: one Protocol per capability, all injected.

An implementation converts every foreign failure into a ``HostError`` (or the family named
below) with the cause attached, and never lets a foreign object through. The same contract suite
(``tests/contract``) runs on the fake host, on the native host and on the browser host.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..tensor import Tensor
from ..types import Backend, JsonValue, TensorSpec

Durability = Literal["relaxed", "strict"]


class Clock(Protocol):
    """Time. Nothing else in the core reads a clock or sleeps."""

    def now_ms(self) -> float:
        """Return Unix time; may jump when the device's clock is set."""

    def monotonic_ms(self) -> float:
        """Return a time that never goes back; only differences mean something."""

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after ``duration_ms``; cancellable."""


@dataclass(frozen=True, slots=True)
class Put:
    """Write ``data`` under ``key`` of ``store``, replacing what was there."""

    store: str
    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove ``key`` from ``store``; a missing key is no error."""

    store: str
    key: str


class Storage(Protocol):
    """Durable bytes under string keys, in named stores of one database."""

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with exactly these stores.

        Raises:
            HostError: ``storage-failed``: no IndexedDB, blocked, or private mode.
        """

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in order of UTF-16 code units."""

    async def write(
        self, operations: Sequence[Put | Delete], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations in one transaction; returns only when it has completed.

        Raises:
            HostError: ``storage-full`` (quota; nothing was written) or ``storage-failed``.
        """

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""

    async def erase(self) -> None:
        """Delete the whole database, keys included."""


class Crypto(Protocol):
    """Authenticated encryption with keys that cannot be exported, and randomness."""

    async def ensure_key(self, key_id: str) -> None:
        """Load the AES-256-GCM key named ``key_id``, creating a non-extractable one if absent."""

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv (12) ‖ ciphertext ‖ tag (16)`` with a fresh random IV.

        Raises:
            ValueError: ``associated_data`` is empty; unbound ciphertext could be swapped.
        """

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            TrustError: ``seal-broken``: other key, other associated data, or changed bytes.
        """

    def random_bytes(self, count: int) -> bytes:
        """Return cryptographically strong random bytes."""


class Network(Protocol):
    """Downloads."""

    async def fetch(self, url: str, *, max_bytes: int, timeout_ms: float) -> bytes:
        """Return the body of a GET.

        Raises:
            HostError: ``network-failed`` with ``details`` url, status (None when unreachable),
                also for a body above ``max_bytes`` and after ``timeout_ms``.
        """


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """What a session declares once it is ready to run."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    backend: Backend


@dataclass(frozen=True, slots=True)
class InferenceReply:
    """Outputs by name and the time inside the engine, milliseconds."""

    outputs: Mapping[str, Tensor]
    infer_ms: float


class Inference(Protocol):
    """ONNX sessions. One owner: runs happen one at a time, in order of arrival."""

    async def open(self, model: str, data: bytes, *, backend: str) -> OpenedModel:
        """Create (or replace) the session called ``model``.

        Args:
            model: Name used by later calls.
            data: ONNX file, already checked against its digest.
            backend: Preferred ``wasm``, ``webgpu`` or ``webnn``; the reply says what it became.

        Raises:
            HostError: ``inference-failed``: no backend could open it.
        """

    async def run(self, model: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference; feeds were checked against the model's inputs.

        Raises:
            HostError: ``inference-failed``, or ``worker-lost`` when the engine died mid-run.
        """

    async def release(self, model: str) -> None:
        """Free the session; unknown names are no error."""


class Images(Protocol):
    """Picture decoding."""

    async def decode(self, data: bytes, *, width_px: int, height_px: int) -> Tensor:
        """Decode PNG, JPEG or WebP, crop the centre to the target's aspect ratio and resize.

        Returns:
            uint8 tensor ``[height_px, width_px, 3]``, RGB.

        Raises:
            ConfigError: ``argument-invalid``: the bytes are no picture this host can decode.
        """


class Packages(Protocol):
    """Python packages beyond the core, self-hosted."""

    async def load(self, names: Sequence[str]) -> None:
        """Make packages importable.

        Raises:
            HostError: ``feature-missing`` naming each package that this build does not ship.
        """


class Page(Protocol):
    """The way back to the page."""

    def notify(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Send a notice (``result``, ``error``, ``status``, ``log``); never raises or waits."""


@dataclass(frozen=True, slots=True)
class Host:
    """Everything outside, in one record for the composition root."""

    clock: Clock
    storage: Storage
    crypto: Crypto
    network: Network
    inference: Inference
    images: Images
    packages: Packages
    page: Page
    description: Mapping[str, Any]
