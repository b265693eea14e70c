"""The models of the configuration: fetched, checked and opened at first use, then run."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import ModelConfig, Variant
from ..errors import ConfigError, HostError, TrustError, error_from_dict
from ..host.ports import Clock, Inference, Network, OpenedModel
from ..pure.feeds import check_feeds
from ..pure.rolling_window import RollingWindow
from ..pure.statistics import InferMs, ModelStatistics
from ..tensor import Tensor
from ..types import Backend
from .inference_loader import ModelLoader


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
    opening: "asyncio.Task[OpenedModel] | None" = None
    opened: OpenedModel | None = None
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
    """

    def __init__(
        self,
        *,
        inference: Inference,
        network: Network,
        clock: Clock,
        models: Mapping[str, ModelConfig],
        resolve: Callable[[str], str],
    ) -> None:
        self._inference = inference
        self._loader = ModelLoader(inference, network, resolve)
        self._clock = clock
        self._models = {name: _Model(config.variants) for name, config in models.items()}
        # Counts the engines lost, so that many runs failing together drop the sessions once.
        self._generation = 0

    async def run(self, model: str, feeds: Mapping[str, Any]) -> ModelRun:
        """Check ``feeds`` against the model's inputs and run it once.

        A run whose engine died is repeated once on a new one; inference has no effects to repeat.

        Raises:
            ConfigError: ``model-unknown`` or ``tensor-invalid``.
            TrustError: ``digest-mismatch``.
            HostError: ``network-failed``, ``inference-failed`` or ``worker-lost``.
        """
        entry = self._entry(model)
        try:
            return await self._attempt(model, entry, feeds)
        except HostError as error:
            if error.code != "worker-lost":
                raise
        return await self._attempt(model, entry, feeds)

    async def stop(self) -> None:
        """Give up openings and free every session."""
        opening = [entry.opening for entry in self._models.values() if entry.opening is not None]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for name, entry in self._models.items():
            if entry.opened is not None:
                entry.opened = None
                await self._inference.release(name)

    def statistics(self) -> dict[str, ModelStatistics]:
        """Return the figures of each model, by name."""
        return {
            name: ModelStatistics(
                backend=entry.opened.backend.to_dict() if entry.opened is not None else None,
                runs=entry.runs,
                inferMs=InferMs(
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

    async def _attempt(self, model: str, entry: _Model, feeds: Mapping[str, Any]) -> ModelRun:
        opened = entry.opened if entry.opened is not None else await self._open(model, entry)
        tensors, generation = check_feeds(model, opened.inputs, feeds), self._generation
        try:
            reply = await self._inference.run(model, tensors)
        except HostError as error:
            self._forget_lost(error, generation)
            raise
        entry.runs += 1
        entry.infer_ms.add(reply.infer_ms)
        return ModelRun(reply.outputs, reply.infer_ms, opened.backend)

    async def _open(self, model: str, entry: _Model) -> OpenedModel:
        if entry.opening is None:
            entry.opening = asyncio.create_task(self._load(model, entry))
            entry.opening.add_done_callback(lambda task: _opening_ended(entry, task))
        opening = entry.opening
        try:
            return await asyncio.shield(opening)
        except (ConfigError, TrustError, HostError) as error:
            # One failure reaches every waiter; each gets its own object to add details to.
            raise error_from_dict(error.to_dict()) from error

    async def _load(self, model: str, entry: _Model) -> OpenedModel:
        started_ms, generation = self._clock.monotonic_ms(), self._generation
        try:
            opened = await self._loader.load(model, entry.variants)
        except HostError as error:
            self._forget_lost(error, generation)
            raise
        if generation != self._generation:
            raise _lost_meanwhile(model)
        entry.opened = opened
        entry.open_ms = self._clock.monotonic_ms() - started_ms
        return opened

    def _forget_lost(self, error: HostError, generation: int) -> None:
        if error.code == "worker-lost" and generation == self._generation:
            self._generation += 1
            for entry in self._models.values():
                entry.opened = None


def _opening_ended(entry: _Model, task: "asyncio.Task[OpenedModel]") -> None:
    entry.opening = None
    if not task.cancelled():
        task.exception()  # Taken here too: every waiter may have been cancelled meanwhile.


def _lost_meanwhile(model: str) -> HostError:
    return HostError(
        "worker-lost",
        f"model {model}: expected the engine to live while it was opened, got a new engine. "
        "Run it again.",
    )
