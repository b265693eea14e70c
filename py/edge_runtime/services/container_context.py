"""The ``ctx`` of one run: the runtime as a task sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import ConfigError, EdgeError
from ..host.ports import Clock, Images, Network, Page
from ..pure.key_operations import writable_key
from ..pure.log_lines import Lines, checked_level
from ..pure.manifest import OpenedBundle
from ..pure.rider import Rider
from ..tensor import Tensor
from ..types import WHOLE, Activation, Backend, Crop, Fit, JsonValue, Response
from .container_fetch import Fetches


class Inferred(Protocol):
    """Outputs by name, the time inside the engine, and where the model ran."""

    @property
    def outputs(self) -> Mapping[str, Tensor]: ...  # noqa: D102 - see the class
    @property
    def infer_ms(self) -> float: ...  # noqa: D102 - see the class
    @property
    def backend(self) -> Backend: ...  # noqa: D102 - see the class


class Lease(Rider, Protocol):
    """A run's right to have effects, until the run is settled."""

    @property
    def budget_ms(self) -> float:
        """Milliseconds until the run's deadline."""

    @property
    def asker(self) -> int | str | None:
        """Whose run it is: the id of a call, or the client whose event asked for it."""

    def check(self) -> None:
        """Raise RefusedError ``run-ended`` if the right has gone."""

    def grant(self, more_ms: float) -> None:
        """Move the deadline, within the caller's own limit."""

    @property
    def lane_ms(self) -> float:
        """Milliseconds it has waited for inference workers."""

    async def call(self, task_name: str, ext_data: Mapping[str, JsonValue]) -> JsonValue:
        """Run another task and return its value."""


class Models(Protocol):
    """The models of the configuration."""

    async def run(self, model: str, feeds: Mapping[str, Any], rider: Rider) -> Inferred:
        """Check ``feeds`` and run ``model`` once, when the run's turn has come."""

    async def release(self, model: str) -> None:
        """Free the model's sessions."""


class Data(Protocol):
    """The part of the store that tasks use."""

    def query(
        self, sql: str, params: Mapping[str, Any] | None = None, *, deadline_ms: float
    ) -> list[dict[str, Any]]:
        """Run one SELECT; ``deadline_ms`` is Unix time."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Store ``value`` under ``key``."""

    async def delete(self, key: str) -> None:
        """Remove ``key``."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs reach outside their container; the composition root connects it."""

    clock: Clock
    images: Images
    page: Page
    models: Models
    data: Data
    network: Network


class RunContext:
    """Implements :class:`edge_runtime.task.Context` and adds up what inference cost.

    Code that goes on after its run has ended has no effect any more: every call asks the lease.

    Attributes:
        deadline_ms: Unix time at which the run will be cancelled.
        asker: As of the lease.
        infer_ms: Time spent inside the inference engine so far.
        backends: Where each model that was used ran last.
        cpu_ms: Time that the run's own code computed, known at its end.
        heap_bytes: Heap of its interpreter behind it; 0 where nobody knows.
        profile: Where its time went; None where nobody asked.
    """

    def __init__(
        self,
        bundle: OpenedBundle,
        activation: Activation,
        around: Surroundings,
        lease: Lease,
    ) -> None:
        self._bundle = bundle
        self._activation = activation
        self._around = around
        self._lease = lease
        self._lines = Lines()
        self.deadline_ms = around.clock.now_ms() + lease.budget_ms
        self.asker = lease.asker
        self.infer_ms = 0.0
        self.backends: dict[str, Backend] = {}
        self.cpu_ms = 0.0
        self.heap_bytes = 0
        self.profile: Mapping[str, JsonValue] | None = None
        egress = bundle.manifest.egress
        self._fetches = Fetches(around.network, around.clock, egress, self.deadline_ms)

    def end(self) -> None:
        """Break off the requests that the run has not waited for."""
        self._fetches.end()

    @property
    def is_alive(self) -> bool:
        """Whether the run may still have effects."""
        try:
            self._lease.check()
        except EdgeError:
            return False
        return True

    def check(self) -> None:
        """Raise RefusedError ``run-ended`` if the run has no effects any more."""
        self._lease.check()

    async def infer(self, model: str, feeds: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Run a model that the manifest lists."""
        self._check_listed(model)
        inferred = await self._around.models.run(model, feeds, self._lease)
        self.infer_ms += inferred.infer_ms
        self.backends[model] = inferred.backend
        return inferred.outputs

    async def release(self, model: str) -> None:
        """Free the memory of a model that the manifest lists."""
        self._check_listed(model)
        await self._around.models.release(model)

    async def query(
        self, sql: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Read events and keys with one SELECT."""
        self._lease.check()
        return self._around.data.query(sql, params, deadline_ms=self.deadline_ms)

    async def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""
        return self._around.data.get(key)

    async def put(self, key: str, value: JsonValue, *, encrypted: bool | None = None) -> None:
        """Store ``value`` under ``key``."""
        self._lease.check()
        await self._around.data.put(writable_key(key), value, encrypted)

    async def delete(self, key: str) -> None:
        """Remove ``key``."""
        self._lease.check()
        await self._around.data.delete(writable_key(key))

    async def call(
        self, task_name: str, ext_data: Mapping[str, JsonValue] | None = None
    ) -> JsonValue:
        """Run another task and return its value."""
        self._lease.check()
        return await self._lease.call(task_name, {} if ext_data is None else ext_data)

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
        self._lease.check()
        response = await self._fetches.send(url, method, headers, body, timeout_ms)
        self._lease.check()
        return response

    def log(self, message: str, level: str = "info") -> None:
        """Send a line to the page."""
        self._lease.check()
        about = {"taskName": self._activation.task_name, "runId": self._activation.run_id}
        line = self._lines.next(message, checked_level(level))
        if line is not None:
            self._around.page.notify("log", {**line, **about})

    def resource(self, path: str) -> bytes:
        """Return a file of the task's folder."""
        return self._bundle.resource(path)

    async def decode_image(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode, crop and resize a picture."""
        self._lease.check()
        _check_part(fit, crop)
        return await self._around.images.decode(
            data, width_px=width_px, height_px=height_px, fit=fit, crop=crop
        )

    def _check_listed(self, model: str) -> None:
        self._lease.check()
        listed = self._bundle.manifest.models
        if model not in listed:
            raise ConfigError(
                "model-unknown",
                f"ctx: expected one of the task's models ({', '.join(listed) or 'none'}), "
                f"got {model!r}. List it under models in task.toml.",
                {"model": model, "models": list(listed)},
            )


def _check_part(fit: str, crop: Crop) -> None:
    left, top, right, bottom = crop
    if fit not in ("cover", "contain"):
        raise ConfigError(
            "argument-invalid", f"ctx.decode_image fit: expected cover or contain, got {fit!r}."
        )
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ConfigError(
            "argument-invalid",
            "ctx.decode_image crop: expected left, top, right and bottom as shares of the picture, "
            f"0 to 1, got {crop!r}. Divide pixels by its size.",
        )
