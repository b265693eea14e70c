"""What task authors import.

A task is ``async def run(ctx: Context, activation: Activation) -> object``; what it returns reaches
the page if it is JSON-able (bytes allowed). It runs on the worker's only thread: a long loop
should ``await asyncio.sleep(0)`` now and then, or nothing else gets a turn and no deadline holds.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from .errors import ConfigError, EdgeError, HostError, RefusedError, TaskError, TrustError
from .tensor import Tensor
from .types import WHOLE, Activation, Crop, Event, Fit, JsonValue, Response, TriggerKind

__all__ = [
    "Activation",
    "ConfigError",
    "Context",
    "EdgeError",
    "Event",
    "HostError",
    "RefusedError",
    "Response",
    "TaskError",
    "Tensor",
    "TriggerKind",
    "TrustError",
]


class Context(Protocol):
    """What a run may do besides computing; valid until the run ends."""

    @property
    def deadline_ms(self) -> float:
        """Unix time at which the run will be cancelled."""

    async def infer(self, model: str, feeds: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Run a model of the task's manifest once.

        Args:
            model: A name listed under ``models`` in task.toml.
            feeds: A :class:`Tensor` or a numpy array per declared input.

        Returns:
            The outputs by name.

        Raises:
            ConfigError: ``model-unknown``, or ``tensor-invalid`` naming expected and given.
            TrustError: ``digest-mismatch``: the file is not the one the configuration names.
            HostError: ``network-failed``, ``inference-failed`` or ``worker-lost``.
            RefusedError: ``circuit-open``: it failed too often lately; ``details`` retryAfterMs.
        """

    async def release(self, model: str) -> None:
        """Free the memory of a model; its next run opens it again.

        Raises:
            ConfigError: ``model-unknown``.
        """

    async def query(
        self, sql: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Read the tables ``events`` and ``keys`` with one SELECT.

        Args:
            sql: A SELECT with named parameters (``:since``).
            params: Their values: None, bool, numbers or text.

        Raises:
            ConfigError: ``query-invalid``: not a SELECT, wrong SQL, too many rows or too slow.
        """

    async def get(self, key: str) -> JsonValue:
        """Return the value stored under ``key``; None if there is none."""

    async def put(self, key: str, value: JsonValue, *, encrypted: bool | None = None) -> None:
        """Store a JSON-able value; a rule of the configuration can only make it stricter."""

    async def delete(self, key: str) -> None:
        """Remove ``key``; a missing one is no error."""

    async def call(
        self, task_name: str, ext_data: Mapping[str, JsonValue] | None = None
    ) -> JsonValue:
        """Run another task with this run's priority and what is left of its time.

        The slot is given to others while this run waits; several calls at once run side by side.

        Args:
            task_name: The ``name`` of a loaded task.
            ext_data: Its activation's ``ext_data``: JSON-able data or bytes.

        Returns:
            What it returned, as plain data.

        Raises:
            ConfigError: ``task-unknown``, ``argument-invalid``, or ``call-cycle``: it waits for
                this run, or is the ninth inside the others.
            RefusedError: ``queue-full``, ``deadline-passed``, ``circuit-open``, ``run-superseded``.
            EdgeError: What it failed with.
        """

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        timeout_ms: float | None = None,
    ) -> Response:
        """Send a request to a server that the task's ``egress`` names, without cookies.

        Args:
            url: Absolute, below a prefix of ``egress`` in task.toml.
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            headers: Further ones; those that browsers set themselves are refused.
            body: At most 1 MiB; text is sent as UTF-8.
            timeout_ms: For the whole of it; None: what is left of the run's time.

        Returns:
            The answer, whatever its status; its body has at most 8 MiB.

        Raises:
            ConfigError: ``egress-refused``, or ``argument-invalid`` naming the argument.
            HostError: ``network-failed``: no complete answer in time, a redirect, or too large.
        """

    def log(
        self, message: str, level: Literal["debug", "info", "warning", "error"] = "info"
    ) -> None:
        """Send a line to the page's ``log`` listeners."""

    def resource(self, path: str) -> bytes:
        """Return a file of the task's folder.

        Raises:
            ConfigError: ``argument-invalid``: the bundle has no such file.
        """

    async def decode_image(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode a picture and resize it, or a part of it.

        Args:
            data: A PNG, JPEG or WebP file.
            width_px: Width to fill or to fit into.
            height_px: Height, likewise.
            fit: ``cover`` fills the size with the centre; ``contain`` keeps all of it, as large as
                it fits.
            crop: Left, top, right and bottom of the part, as shares of the picture.

        Returns:
            uint8 tensor ``[height, width, 3]``, RGB; with ``contain`` one side may be shorter.

        Raises:
            ConfigError: ``argument-invalid``: the bytes are no picture this host can decode, or
                the part is none.
        """
