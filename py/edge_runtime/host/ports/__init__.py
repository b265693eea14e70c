"""The outside world as the core sees it: one Protocol per capability, all injected.

An implementation converts every foreign failure into a ``HostError`` (or the family named
below) with the cause attached, and never lets a foreign object through. The same contract suite
(``tests/contract``) runs on the fake host, on the native host and on the browser host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...tensor import Tensor
from ...types import WHOLE, Crop, Fit, JsonValue, Response
from .inference import Inference, InferenceReply, ModelFile, OnProgress, OpenedModel, Target
from .machines import Interpreter, Machine, Machines, Receive, Wheel
from .stored import Clear, Crypto, Delete, Durability, Guard, Operation, Put, Storage

__all__ = [
    "Clear",
    "Clock",
    "Crypto",
    "Delete",
    "Durability",
    "Guard",
    "Host",
    "Images",
    "Inference",
    "InferenceReply",
    "Interpreter",
    "Machine",
    "Machines",
    "ModelFile",
    "Network",
    "OnProgress",
    "OpenedModel",
    "Operation",
    "Page",
    "Put",
    "Receive",
    "Storage",
    "Target",
    "Wheel",
]


class Clock(Protocol):
    """Time. Nothing else in the core reads a clock or sleeps."""

    def now_ms(self) -> float:
        """Return Unix time; may jump when the device's clock is set."""

    def monotonic_ms(self) -> float:
        """Return a time that never goes back; only differences mean something."""

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after ``duration_ms``; cancellable."""


class Network(Protocol):
    """Downloads."""

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_ms: float, fresh: bool = False
    ) -> bytes:
        """Return the body of a GET; ``fresh``: as the server has it now, whatever a cache holds.

        Raises:
            HostError: ``network-failed`` with ``details`` url, status (None when unreachable),
                also for a body above ``max_bytes`` and after ``timeout_ms``.
        """

    async def request(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        timeout_ms: float,
    ) -> Response:
        """Send a request over http and return the answer, whatever its status.

        Nothing of the user goes with it: no cookies, no referrer; nothing is kept of it. It is
        ended when the caller is cancelled.

        Raises:
            HostError: ``network-failed``, as of :meth:`fetch`; a redirect is not followed.
        """


class Images(Protocol):
    """Picture decoding."""

    async def decode(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode PNG, JPEG or WebP and resize a part of it.

        Args:
            data: The file.
            width_px: Width to fill or to fit into.
            height_px: Height, likewise.
            fit: ``cover``: the part's centre, as much as has the target's aspect ratio.
                ``contain``: the whole part, as large as it fits.
            crop: The part: left, top, right and bottom as shares of the upright picture, 0 to 1.

        Returns:
            uint8 tensor ``[height, width, 3]``, RGB; with ``contain`` one side may be shorter.

        Raises:
            ConfigError: ``argument-invalid``: the bytes are no picture this host can decode.
        """


class Page(Protocol):
    """The way back to the pages that this runtime serves."""

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Send a notice (``result``, ``error``, ``status``, ``log``); never raises or waits.

        Args:
            name: The notice.
            body: Plain data.
            client: The tab it is for, as named by the request or event; None: every tab.
        """

    def superseded(self) -> None:
        """Say that another tab's worker writes now; this runtime is of no use any more."""

    def replace_worker(self, reason: str) -> None:
        """Have the worker ended and another started: something in it cannot be stopped."""

    def watch_run(
        self, run_id: str, task_name: str, asker: int | str | None, left_ms: float | None
    ) -> None:
        """Say that a run's code, which nothing here can end, takes the interpreter, or has ended.

        The page replaces a worker whose code goes on behind its deadline without a sign of life.

        Args:
            run_id: The run.
            task_name: Its task.
            asker: Whose it is: the id of a call, or the client whose event asked for it.
            left_ms: How long it may still take; None: it has ended.
        """


@dataclass(frozen=True, slots=True)
class Host:
    """Everything outside, in one record for the composition root."""

    clock: Clock
    storage: Storage
    crypto: Crypto
    network: Network
    inference: Inference
    images: Images
    machines: Machines
    interpreter: Interpreter
    page: Page
    description: Mapping[str, Any]
