"""What who asked for a run gets: its result, or what stands in for it while its breaker refuses."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from .errors import RefusedError
from .pure.fallback import Fallback, Fallbacks
from .services.catalogue import Catalogue
from .services.container import Completion, LoadedTask
from .services.scheduler_run import Outcome
from .types import Activation, FallbackKind, Result, Timings


class Answers:
    """Results of runs, with the fallbacks of their tasks; part of the composition root."""

    def __init__(self, tasks: Catalogue[LoadedTask]) -> None:
        self._tasks = tasks
        self._fallbacks = Fallbacks()

    async def answer(
        self, activation: Activation, ask: Callable[[Activation], Awaitable[Outcome[Completion]]]
    ) -> Result:
        """Return the result of the run that ``ask`` waits for, or of what stands in for it.

        Raises:
            EdgeError: What ``ask`` raises, where nothing stands in; and what stands in raises.
        """
        try:
            return self.result(activation, await ask(activation))
        except RefusedError as error:
            instead = self.instead(activation, error)
            if instead is None:
                raise
        if instead.kind is not FallbackKind.TASK:
            return fallback_result(activation, instead)
        outcome = await ask(replace(activation, task_name=instead.task))
        return result_of(activation, outcome, FallbackKind.TASK)

    def result(self, activation: Activation, outcome: Outcome[Completion]) -> Result:
        """Return the result of a run, and keep its value if it may have to stand in for others."""
        name = activation.task_name
        self._fallbacks.returned(name, self._fallback(name), outcome.value.value)
        return result_of(activation, outcome)

    def forget(self) -> None:
        """Let no earlier result stand in for another."""
        self._fallbacks.forget()

    def instead(self, activation: Activation, ended: object) -> Fallback | None:
        """Return what stands in for a run that ended so; None: nothing does."""
        if not isinstance(ended, RefusedError):
            return None
        name = activation.task_name
        instead = self._fallbacks.instead(name, self._fallback(name), ended)
        names = {"", *self._tasks.names}
        return instead if instead is not None and instead.task in names else None

    def _fallback(self, name: str) -> Fallback | None:
        # A reload may have taken the task away since it was asked for.
        is_loaded = name in self._tasks.names
        return self._tasks.by_name(name).manifest.fallback if is_loaded else None


def result_of(
    activation: Activation, outcome: Outcome[Completion], fallback: FallbackKind | None = None
) -> Result:
    """Return the result for the activation that asked, under the id of the run that ran.

    They differ where the activation has joined a run. ``fallback``: another task stood in.
    """
    done = outcome.value
    return Result(
        run_id=outcome.run_id,
        task_name=activation.task_name,
        value=done.value,
        trigger=activation.trigger,
        timings=Timings(
            outcome.queued_ms, outcome.run_ms, done.infer_ms, outcome.total_ms, outcome.lane_ms
        ),
        backend=done.backends,
        waited_for=outcome.waited_for,
        fallback=fallback,
        profile=done.profile,
    )


def fallback_result(activation: Activation, instead: Fallback) -> Result:
    """Return the result of a run that was refused and has a value to fall back on."""
    run_id, task_name, trigger = activation.run_id, activation.task_name, activation.trigger
    no_time = Timings(0.0, 0.0, 0.0, 0.0)
    return Result(run_id, task_name, instead.value, trigger, no_time, fallback=instead.kind)
