"""The models of the configuration: fetched, checked and opened at first use, then run."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from ..config import ModelConfig, Variant
from ..errors import ConfigError, HostError, RefusedError, TrustError, error_from_dict
from ..host.ports import Clock, Inference, InferenceReply, Network
from ..pure.dispatcher_ports import Gate
from ..pure.feeds import check_feeds
from ..pure.rider import Rider
from ..pure.rolling_window import RollingWindow
from ..pure.statistics import ModelStatistics, Percentiles
from ..tensor import Tensor
from ..types import Backend
from .inference_loader import LoadedModel, ModelLoader, guarded

T = TypeVar("T")


class Lanes(Protocol):
    """The lines before the engine's workers."""

    async def ask(
        self, name: str, rider: Rider, request: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """Make ``request`` when it is the turn of ``rider``'s run."""


_NEXT_ATTEMPT: Final = frozenset({"worker-lost", "circuit-open"})


@dataclass(frozen=True, slots=True)
class ModelRun:
    """Outputs by name, the time inside the engine (milliseconds), and where the model ran."""

    outputs: Mapping[str, Tensor]
    infer_ms: float
    backend: Backend


@dataclass(slots=True)
class _Model:
    variants: tuple[Variant, ...]
    # Shared by all first users, and finished even if they all give up: their deadlines are
    # often shorter than a download, and the next run should find the model open.
    opening: "asyncio.Task[LoadedModel] | None" = None
    loaded: LoadedModel | None = None
    open_ms: float | None = None
    runs: int = 0
    infer_ms: RollingWindow = field(default_factory=RollingWindow)


class ModelLibrary:
    """Models by name, opened when first used.

    Args:
        inference: The engine; all its sessions are lost together when its worker is.
        network: Where model files come from.
        clock: Times openings.
        models: The configuration's models.
        resolve: Turns a configured URL into an absolute one.
        lanes: Where requests wait for the workers.
        breakers: By ``model@backend``, the backend that the variant asks for.
    """

    def __init__(
        self,
        *,
        inference: Inference,
        network: Network,
        clock: Clock,
        models: Mapping[str, ModelConfig],
        resolve: Callable[[str], str],
        breakers: Gate,
        lanes: Lanes,
    ) -> None:
        self._inference = inference
        self._lanes = lanes
        self._loader = ModelLoader(inference, network, resolve, breakers)
        self._breakers = breakers
        self._clock = clock
        self._models = {name: _Model(config.variants) for name, config in models.items()}
        # Counts the engines lost, so that many runs failing together drop the sessions once.
        self._generation = 0

    async def run(self, model: str, feeds: Mapping[str, Any], rider: Rider) -> ModelRun:
        """Check ``feeds`` against the model's inputs and run it once.

        A run whose engine died is repeated once on a new one; inference has no effects to repeat.
        While the breaker of the variant in use refuses, another variant is opened in its place.

        Raises:
            ConfigError: ``model-unknown`` or ``tensor-invalid``.
            TrustError: ``digest-mismatch``.
            HostError: ``network-failed``, ``inference-failed`` or ``worker-lost``.
            RefusedError: ``circuit-open``: no variant is left that did not fail too often lately.
        """
        entry = self._entry(model)
        try:
            return await self._attempt(model, entry, feeds, rider)
        except (HostError, RefusedError) as error:
            if error.code not in _NEXT_ATTEMPT:
                raise
        return await self._attempt(model, entry, feeds, rider)

    async def stop(self) -> None:
        """Give up openings and free every session."""
        opening = [entry.opening for entry in self._models.values() if entry.opening is not None]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for name, entry in self._models.items():
            if entry.loaded is not None:
                entry.loaded = None
                await self._inference.release(name)

    def statistics(self) -> dict[str, ModelStatistics]:
        """Return the figures of each model, by name."""
        return {
            name: ModelStatistics(
                backend=None if entry.loaded is None else entry.loaded.opened.backend.to_dict(),
                runs=entry.runs,
                inferMs=Percentiles(
                    p50=entry.infer_ms.percentile(50), p99=entry.infer_ms.percentile(99)
                ),
                openMs=entry.open_ms,
            )
            for name, entry in self._models.items()
        }

    def _entry(self, model: str) -> _Model:
        entry = self._models.get(model)
        if entry is None:
            known = ", ".join(self._models) or "none"
            raise ConfigError(
                "model-unknown",
                f"model: expected one of the configuration's models ({known}), got {model!r}. "
                "Add it under models.",
                {"model": model, "models": list(self._models)},
            )
        return entry

    async def _attempt(
        self, model: str, entry: _Model, feeds: Mapping[str, Any], rider: Rider
    ) -> ModelRun:
        loaded = await self._usable(model, entry)
        tensors = check_feeds(model, loaded.opened.inputs, feeds)
        request = partial(self._request, model, entry, loaded, tensors)
        reply = await self._lanes.ask(_lane_of(loaded.opened.backend), rider, request)
        entry.runs += 1
        entry.infer_ms.add(reply.infer_ms)
        return ModelRun(reply.outputs, reply.infer_ms, loaded.opened.backend)

    async def _request(
        self, model: str, entry: _Model, loaded: LoadedModel, tensors: Mapping[str, Tensor]
    ) -> InferenceReply:
        if entry.loaded is not loaded:  # Lost or replaced while the run waited for its turn.
            raise _lost_meanwhile(model)
        generation = self._generation
        running = partial(self._inference.run, model, tensors)
        try:
            # In the lane: a breaker may open meanwhile, and hears of runs whose caller has gone.
            return await guarded(self._breakers, loaded.breaker, running, lambda it: it.infer_ms)
        except HostError as error:
            self._forget_lost(error, generation)
            raise

    async def _usable(self, model: str, entry: _Model) -> LoadedModel:
        loaded = entry.loaded
        if loaded is None:
            return await self._open(model, entry)
        refuses = self._breakers.refusal(loaded.breaker) is not None
        return await self._open(model, entry) if refuses else loaded

    async def _open(self, model: str, entry: _Model) -> LoadedModel:
        if entry.opening is None:
            entry.opening = asyncio.create_task(self._load(model, entry))
            entry.opening.add_done_callback(lambda task: _opening_ended(entry, task))
        opening = entry.opening
        try:
            return await asyncio.shield(opening)
        except (ConfigError, TrustError, HostError, RefusedError) as error:
            # One failure reaches every waiter; each gets its own object to add details to.
            raise error_from_dict(error.to_dict()) from error

    async def _load(self, model: str, entry: _Model) -> LoadedModel:
        started_ms, generation = self._clock.monotonic_ms(), self._generation
        try:
            loaded = await self._loader.load(model, entry.variants)
        except HostError as error:
            self._forget_lost(error, generation)
            raise
        if generation != self._generation:
            raise _lost_meanwhile(model)
        entry.loaded = loaded
        entry.open_ms = self._clock.monotonic_ms() - started_ms
        return loaded

    def _forget_lost(self, error: HostError, generation: int) -> None:
        if error.code == "worker-lost" and generation == self._generation:
            self._generation += 1
            for entry in self._models.values():
                entry.loaded = None


def _lane_of(backend: Backend) -> str:
    """Return the worker that a backend runs in; CPython's engine counts as one for wasm."""
    return "wasm" if backend.name in ("wasm", "cpu") else "accelerator"


def _opening_ended(entry: _Model, task: "asyncio.Task[LoadedModel]") -> None:
    entry.opening = None
    if not task.cancelled():
        task.exception()  # Taken here too: every waiter may have been cancelled meanwhile.


def _lost_meanwhile(model: str) -> HostError:
    return HostError(
        "worker-lost",
        f"model {model}: expected the engine to live, got a new one meanwhile. Run it again.",
    )
