"""The models of the configuration: opened at first use where they run best, then run."""

from collections.abc import Callable, Mapping
from typing import Any

from ..config_models import InferenceConfig, ModelConfig
from ..errors import ConfigError
from ..host.ports import Host
from ..pure.dispatcher_ports import Gate
from ..pure.rider import Rider
from ..pure.statistics import MemoryStatistics, ModelStatistics
from .inference_measuring import Measuring
from .inference_memory import InferenceMemory, Values
from .inference_models import Model
from .inference_openings import Openings
from .inference_planner import Planner
from .inference_service import Lanes, ModelRun, Service
from .inference_sessions import Sessions
from .inference_trial import Trial

__all__ = ["ModelLibrary", "ModelRun"]


class ModelLibrary:
    """Models by name, opened when first used.

    Args:
        host: The engine, the network for golden files, a clock, and who hears of downloads.
        models: The configuration's models.
        config: Lanes, memory, measuring.
        resolve: Turns a configured URL into an absolute one.
        resource: Returns a file of a task's bundle.
        breakers: By ``model@backend``.
        lanes: Where requests wait for the workers.
        values: Where verdicts are kept.
    """

    def __init__(
        self,
        host: Host,
        models: Mapping[str, ModelConfig],
        config: InferenceConfig,
        *,
        resolve: Callable[[str], str],
        resource: Callable[[str, str], bytes],
        breakers: Gate,
        lanes: Lanes,
        values: Values,
    ) -> None:
        inference, clock = host.inference, host.clock
        self._inference = inference
        self._is_measured = config.measure
        self._models = {name: Model(name, model) for name, model in models.items()}
        self._memory = InferenceMemory(values)
        self._sessions = Sessions(inference, clock)
        if config.memory_budget_bytes is not None:
            self._sessions.budget_bytes = config.memory_budget_bytes
        self._planner = Planner(inference, clock, models, config, self._memory, breakers)
        self._openings = Openings(
            inference=inference,
            sessions=self._sessions,
            planner=self._planner,
            breakers=breakers,
            page=host.page,
            resolve=resolve,
            load=lanes.load,
            resource=resource,
        )
        self._service = Service(
            self._sessions, self._openings, self._planner, lanes, self._memory, breakers, clock
        )
        trial = Trial(
            sessions=self._sessions,
            lanes=lanes,
            network=host.network,
            resolve=resolve,
            clock=clock,
            activity=lambda: (self._begun, self._going > 0),
        )
        self._measuring = Measuring(
            sessions=self._sessions,
            openings=self._openings,
            planner=self._planner,
            memory=self._memory,
            trial=trial,
            clock=clock,
            page=host.page,
        )
        self._begun = self._going = 0

    def load(self) -> None:
        """Look at what the life before left."""
        self._memory.load()

    async def run(self, model: str, feeds: Mapping[str, Any], rider: Rider) -> ModelRun:
        """Check ``feeds`` against the model's inputs and run it once.

        A run whose engine died is repeated on a new one, as inference has no effects to repeat;
        one that failed on an accelerator is repeated on the next best backend.

        Raises:
            ConfigError: ``model-unknown`` or ``tensor-invalid``.
            TrustError: ``digest-mismatch``, ``seal-broken``.
            HostError: ``network-failed``, ``inference-failed`` or ``worker-lost``.
            RefusedError: ``circuit-open``: nothing is left that did not fail too often lately.
        """
        entry = self._entry(model)
        self._begun += 1
        self._going += 1
        try:
            return await self._service.run(entry, feeds, rider)
        finally:
            self._going -= 1
            if self._is_measured and entry.runs:
                self._measuring.want(entry)

    async def release(self, model: str) -> None:
        """Free a model's sessions; the next run opens it again.

        Raises:
            ConfigError: ``model-unknown``.
        """
        await self._service.retire(self._entry(model), None)

    async def save(self) -> None:
        """Leave no mark of danger behind: the page may be left in good order now."""
        await self._memory.settle()

    def forget(self) -> None:
        """Know nothing of the device; what is not asked for any more is not measured, either."""
        self._memory.forget()
        self._measuring.forget()

    async def erase(self) -> None:
        """Delete the files that are kept.

        Raises:
            HostError: ``storage-failed``.
        """
        await self._inference.erase()

    async def stop(self) -> None:
        """Give up openings and free every session."""
        parts = (self._measuring, self._service, self._openings, self._planner, self._sessions)
        for part in (*parts, self._memory):
            await part.stop()

    def statistics(self) -> dict[str, ModelStatistics]:
        """Return the figures of each model, by name."""
        return {
            name: model.statistics(self._planner.plans(name).plans, self._memory.verdicts)
            for name, model in self._models.items()
        }

    def memory(self) -> MemoryStatistics:
        """Return the figures of memory."""
        return self._sessions.statistics()

    def _entry(self, model: str) -> Model:
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
