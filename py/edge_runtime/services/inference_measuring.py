"""Measures every plan of the models in use, when the device is idle, and remembers what it found.

A plan is opened, its answers are compared with golden ones, then it is timed. Runs that come
meanwhile go first; a time taken beside one is thrown away.
"""

import asyncio

from ..errors import EdgeError, HostError
from ..host.ports import Clock
from ..pure.plans import Plan
from ..pure.service_time import middle
from .inference_memory import InferenceMemory
from .inference_models import Model
from .inference_openings import Openings, session_name
from .inference_planner import Planner
from .inference_sessions import Session, Sessions
from .inference_trial import Trial


class Measuring:
    """One measurement at a time, of whatever is not known yet.

    Args:
        sessions, openings, planner, memory, trial: Parts of the model library.
        clock: Unix time.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        openings: Openings,
        planner: Planner,
        memory: InferenceMemory,
        trial: Trial,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._openings = openings
        self._planner = planner
        self._memory = memory
        self._trial = trial
        self._clock = clock
        self._models: dict[str, Model] = {}
        self._running: asyncio.Task[None] | None = None
        self._is_stopped = False

    def want(self, model: Model) -> None:
        """Measure what is not known of a model, when there is time for it."""
        self._models.setdefault(model.name, model)
        if self._running is None and not self._is_stopped and self._next(model) is not None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Give up."""
        self._is_stopped = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # What failed is tried again when a model is wanted again.

    async def _run(self) -> None:
        await self._trial.quiet()
        await self._planner.look_closely()
        while (job := self._job()) is not None:
            await self._trial.quiet()
            await self._measure(*job)

    def _job(self) -> tuple[Model, Plan] | None:
        for model in self._models.values():
            plan = self._next(model)
            if plan is not None:
                return model, plan
        return None

    def _next(self, model: Model) -> Plan | None:
        """Return a plan to measure; where there is but one, there is nothing to choose."""
        plans = self._planner.plans(model.name).plans
        if self._planner.is_looked_at and (len(plans) < 2 or plans[0].is_pinned):
            return None
        if not model.can_be_measured:
            return None
        verdicts, now_ms = self._memory.verdicts, self._clock.now_ms()
        for plan in plans:
            is_open = plan.key in model.stale or verdicts.is_open(plan.key, now_ms)
            if is_open and plan.key not in model.postponed:
                return plan
        return None

    async def _measure(self, model: Model, plan: Plan) -> None:
        if not plan.is_wasm:
            await self._memory.enter(plan.key)
        try:
            await self._reference(model)
            await self._judge(model, plan)
        except EdgeError as error:
            self._failed(model, plan, error)
        finally:
            model.stale.discard(plan.key)
            if not plan.is_wasm:
                await self._memory.leave()
        self._memory.save()

    def _failed(self, model: Model, plan: Plan, error: EdgeError) -> None:
        """Refuse a plan that failed; others' faults, and those of wasm, only put it off."""
        is_its_own = isinstance(error, HostError) and error.code != "network-failed"
        if is_its_own and not plan.is_wasm and not error.details.get("closed"):
            reason = f"it failed when it was measured: {error.message}"
            self._memory.verdicts.refuse(plan.key, reason, self._clock.now_ms())
        else:
            model.postponed.add(plan.key)

    async def _reference(self, model: Model) -> None:
        """Find out what answers are expected: those of the golden file, else those of wasm."""
        plans = self._planner.plans(model.name).plans
        if model.golden is not None:
            return
        plan = next((each for each in plans if each.is_wasm), plans[0])
        session, is_kept = await self._session(model, plan)
        try:
            await self._trial.find_golden(model, session)
        finally:
            await self._let_go(model, plan, session, is_kept)

    async def _judge(self, model: Model, plan: Plan) -> None:
        session, is_kept = await self._session(model, plan)
        try:
            reason = await self._trial.compared(model, session, plan)
            now_ms, verdicts = self._clock.now_ms(), self._memory.verdicts
            if reason is None:
                times_ms = await self._trial.timed(model, session, self._best_ms(model))
                verdicts.measured(plan.key, middle(times_ms), now_ms)
            else:
                verdicts.refuse(plan.key, reason, now_ms)
        finally:
            await self._let_go(model, plan, session, is_kept)

    async def _session(self, model: Model, plan: Plan) -> tuple[Session, bool]:
        """Return the plan's session, and whether it was open before."""
        name = session_name(model.name, plan)
        was_open = any(self._sessions.is_at_hand(lane, name) for lane in self._planner.lanes(plan))
        return await self._openings.session(model.name, model.config, plan), was_open

    async def _let_go(self, model: Model, plan: Plan, session: Session, is_kept: bool) -> None:
        """Release what was opened for a measurement, unless it serves from now on."""
        chosen = self._planner.choose(model.name, {})
        if chosen.plan.key != plan.key and not is_kept and not session.users:
            await self._sessions.release(session)

    def _best_ms(self, model: Model) -> float | None:
        plans = self._planner.plans(model.name).plans
        known = [
            self._memory.verdicts.get(plan.key) for plan in plans if plan.key not in model.stale
        ]
        times = [verdict.ms for verdict in known if verdict is not None and verdict.ms is not None]
        return min(times, default=None)
