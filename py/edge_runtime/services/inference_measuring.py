"""Measures every plan of the models in use, when the device is idle, and remembers what it found.

A plan is opened, its answers are compared with golden ones, then it is timed. Runs that come
meanwhile go first; a time taken beside one is thrown away.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from ..errors import EdgeError, HostError
from ..host.ports import Clock, Page
from ..pure.golden import TOLERANCES
from ..pure.plans import Plan
from ..pure.service_time import middle
from .inference_memory import InferenceMemory
from .inference_models import Model, Session
from .inference_openings import Openings
from .inference_planner import Planner
from .inference_sessions import Sessions
from .inference_trial import Trial

PRECISIONS = {name: rank for rank, name in enumerate(TOLERANCES)}
"""The most exact one first."""


class Measuring:
    """One measurement at a time, of whatever is not known yet.

    Args:
        sessions, openings, planner, memory, trial: Parts of the model library.
        clock: Unix time.
        page: Hears of models that cannot be measured.
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
        page: Page,
    ) -> None:
        self._page = page
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

    def forget(self) -> None:
        """Measure only what is wanted from now on."""
        self._models.clear()

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
            is_put_off = plan.key in model.postponed or plan.key in self._memory.stepped_down
            if is_open and not is_put_off and self._may_fetch(model, plan):
                return plan
        return None

    def _may_fetch(self, model: Model, plan: Plan) -> bool:
        """Say whether a plan's file may be loaded, and what its answers are compared with."""
        digests = [plan.variant.sha256]
        if model.golden is None:
            digests.append("" if model.config.golden else self._exact(model).variant.sha256)
        return all(map(self._planner.may_fetch, digests))

    def _exact(self, model: Model) -> Plan:
        """Return the plan that tells what is right: an approximation says nothing about others."""
        plans = self._planner.plans(model.name).plans
        return min(plans, key=lambda each: (not each.is_wasm, PRECISIONS[each.variant.precision]))

    async def _measure(self, model: Model, plan: Plan) -> None:
        try:
            await self._reference(model)
        except EdgeError as error:
            self._put_off(model, self._planner.plans(model.name).plans, error)
            if not error.details.get("closed"):
                text = f"model {model.name} is not measured: {error.message}"
                self._page.notify("log", {"level": "warning", "message": text})
            return
        if not plan.is_wasm:
            await self._memory.enter(plan.key)
        try:
            await self._judge(model, plan)
        except EdgeError as error:
            self._failed(model, plan, error)
        finally:
            model.stale.discard(plan.key)
            if not plan.is_wasm:
                await self._memory.leave(plan.key)
        if model.name in self._models:  # Else the store was erased meanwhile, and stays empty.
            self._memory.save()

    def _failed(self, model: Model, plan: Plan, error: EdgeError) -> None:
        """Refuse a plan that failed; others' faults, and those of wasm, only put it off."""
        is_its_own = isinstance(error, HostError) and error.code != "network-failed"
        if is_its_own and not plan.is_wasm and not error.details.get("closed"):
            reason = f"it failed when it was measured: {error.message}"
            self._memory.verdicts.refuse(plan.key, reason, self._clock.now_ms())
        else:
            self._put_off(model, [plan], error)

    def _put_off(self, model: Model, plans: Iterable[Plan], error: EdgeError) -> None:
        """Measure plans in another life; at once where others ended the lane."""
        if not error.details.get("closed"):
            model.postponed.update(plan.key for plan in plans)

    async def _reference(self, model: Model) -> None:
        """Find out what answers are expected: those of the golden file, else those of wasm.

        Raises:
            EdgeError: There are none, which is the fault of no plan that would be compared.
        """
        if model.golden is not None:
            return
        async with self._lent(model, self._exact(model)) as session:
            await self._trial.find_golden(model, session)

    async def _judge(self, model: Model, plan: Plan) -> None:
        async with self._lent(model, plan) as session:
            reason = await self._trial.compared(model, session, plan)
            if reason is None:
                times_ms = await self._trial.timed(model, session, self._best_ms(model))
                self._memory.verdicts.measured(plan.key, middle(times_ms), self._clock.now_ms())
            else:
                self._memory.verdicts.refuse(plan.key, reason, self._clock.now_ms())

    @asynccontextmanager
    async def _lent(self, model: Model, plan: Plan) -> AsyncIterator[Session]:
        """Lend a plan's session; it is released afterwards unless the plan serves the model."""
        session = await self._openings.session(model.name, model.config, plan, is_trial=True)
        try:
            with session:
                yield session
        finally:
            serving = self._planner.serving(model.name)
            is_serving = serving is not None and serving.key == plan.key
            if not is_serving and plan.key != model.plan_key and not session.users:
                await self._sessions.release(session)

    def _best_ms(self, model: Model) -> float | None:
        plans = self._planner.plans(model.name).plans
        known = [
            self._memory.verdicts.get(plan.key) for plan in plans if plan.key not in model.stale
        ]
        times = [verdict.ms for verdict in known if verdict is not None and verdict.ms is not None]
        return min(times, default=None)
