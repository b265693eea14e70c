"""The ``ctx`` of a run in a VM of its own: everything but its own files is asked of the core."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ..errors import RefusedError
from ..pure.log_lines import checked_level
from ..pure.resources import resource_of
from ..pure.vm_messages import plain_feeds, tensor_of, tensors_of
from ..tensor import Tensor
from ..types import WHOLE, Activation, Crop, Fit, JsonValue, Response
from .pace import Budget, Pace

Ask = Callable[[str, str, JsonValue], Awaitable[Any]]
"""Takes a run's id, a method of :data:`..pure.vm_messages.ASKABLE` and its arguments by name."""

_LATE: Final = (
    "expected ctx to be used until the run ends, got a use after it. Nothing was done: let "
    "cancellation pass, and await what you start."
)


class AskingContext:
    """Implements :class:`edge_runtime.task.Context` in a VM.

    Args:
        activation: Names the run.
        files: The task's.
        ask: The way to the core.
        say: Gets level and text of log lines.
        pace: Lets the runtime's own code work in peace.
        budget: Knows the deadline.
        deadline_ms: The same as Unix time.
    """

    def __init__(
        self,
        activation: Activation,
        files: Mapping[str, bytes],
        ask: Ask,
        say: Callable[[str, str], None],
        pace: Pace,
        budget: Budget,
        deadline_ms: float,
    ) -> None:
        self._activation = activation
        self._files = files
        self._ask_core = ask
        self._say = say
        self._pace = pace
        self._budget = budget
        self._has_ended = False
        self.deadline_ms = deadline_ms

    def end(self) -> None:
        """Let the run have no effect any more."""
        self._has_ended = True

    async def infer(self, model: str, feeds: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Run a model that the manifest lists."""
        with self._pace.masked():
            return tensors_of(await self._ask("infer", model=model, feeds=plain_feeds(feeds)))

    async def release(self, model: str) -> None:
        """Free the memory of a model that the manifest lists."""
        await self._asked("release", model=model)

    async def query(
        self, sql: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Read events and keys with one SELECT."""
        given = None if params is None else dict(params)
        rows: list[dict[str, Any]] = await self._asked("query", sql=sql, params=given)
        return rows

    async def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""
        return await self._asked("get", key=key)

    async def put(self, key: str, value: JsonValue, *, encrypted: bool | None = None) -> None:
        """Store ``value`` under ``key``."""
        await self._asked("put", key=key, value=value, encrypted=encrypted)

    async def delete(self, key: str) -> None:
        """Remove ``key``."""
        await self._asked("delete", key=key)

    async def call(
        self, task_name: str, ext_data: Mapping[str, JsonValue] | None = None
    ) -> JsonValue:
        """Run another task and return its value."""
        given = None if ext_data is None else dict(ext_data)
        return await self._asked("call", task_name=task_name, ext_data=given)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        timeout_ms: float | None = None,
    ) -> Response:
        """Send a request to where the manifest's ``egress`` lets it go."""
        given = {"url": url, "method": method, "body": body, "timeout_ms": timeout_ms}
        heads = None if headers is None else dict(headers)
        return Response(*await self._asked("fetch", headers=heads, **given))

    def log(self, message: str, level: str = "info") -> None:
        """Send a line to the page."""
        self._check()
        line = self._budget.lines.next(message, checked_level(level))
        if line is not None:
            self._say(line["level"], line["message"])

    def resource(self, path: str) -> bytes:
        """Return a file of the task's folder."""
        return resource_of(self._files, path)

    async def decode_image(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode, crop and resize a picture."""
        size = {"width_px": width_px, "height_px": height_px}
        return tensor_of(await self._asked("decode_image", data=data, fit=fit, crop=crop, **size))

    async def _asked(self, method: str, /, **given: Any) -> Any:
        with self._pace.masked():
            return await self._ask(method, **given)

    async def _ask(self, method: str, /, **given: Any) -> Any:
        self._check()
        return await self._ask_core(self._activation.run_id, method, given)

    def _check(self) -> None:
        if self._has_ended or self._budget.deadline_ms <= self._pace.now_ms():
            raise RefusedError("run-ended", f"run of {self._activation.task_name}: {_LATE}")
