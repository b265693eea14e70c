"""One run of a model: the best plan, an open session, its turn; again where that helps."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Protocol

from ..errors import HostError, RefusedError
from ..host.ports import Clock, InferenceReply
from ..pure.dispatcher_ports import Gate
from ..pure.feeds import check_feeds
from ..pure.plans import Chosen, Plan, breaker_of
from ..pure.rider import Rider
from ..pure.service_time import ServiceTime
from ..tensor import Tensor
from ..types import Backend
from .inference_flight import Flight
from .inference_guard import guarded, is_engines, lost
from .inference_memory import InferenceMemory
from .inference_models import Model, Session
from .inference_openings import Openings, session_name
from .inference_planner import Planner
from .inference_sessions import Sessions

_REPEATS: Final = 2
"""How often a run is repeated because its lane ended, or its breaker opened, under it."""

_REPLAYS: Final = 8
"""How often it begins anew because others ended its lane before its turn had come."""


class Lanes(Protocol):
    """The lines before the engine's workers."""

    async def ask(
        self,
        name: str,
        rider: Rider,
        request: Callable[[], Coroutine[Any, Any, Any]],
        abandoned: Callable[["asyncio.Task[None]"], None] | None = None,
    ) -> Any:
        """Make ``request`` when it is the turn of ``rider``'s run."""

    def load(self, name: str) -> int:
        """Return how many requests wait or run in a lane."""


@dataclass(frozen=True, slots=True)
class ModelRun:
    """Outputs by name, the time inside the engine (milliseconds), and where the model ran."""

    outputs: Mapping[str, Tensor]
    infer_ms: float
    backend: Backend


@dataclass(slots=True)
class _Trouble:
    """What a run has met so far: plans that are no use to it, repeats by plan, and replays."""

    barred: dict[str, str] = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    replays: int = 0


class Service:
    """Serves runs.

    Args:
        sessions, openings, planner, memory: Parts of the model library.
        lanes: Where requests wait.
        breakers: By ``model@backend``.
        clock: Measures requests.
    """

    def __init__(
        self,
        sessions: Sessions,
        openings: Openings,
        planner: Planner,
        lanes: Lanes,
        memory: InferenceMemory,
        breakers: Gate,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._sessions = sessions
        self._openings = openings
        self._planner = planner
        self._lanes = lanes
        self._breakers = breakers
        self._clock = clock
        self._background: set[asyncio.Task[None]] = set()

    async def run(self, model: Model, feeds: Mapping[str, Any], rider: Rider) -> ModelRun:
        """Run a model once; see :meth:`ModelLibrary.run`."""
        trouble = _Trouble()
        if not self._planner.is_ready(model.name):
            await self._planner.look(model.name)
        chosen = self._planner.choose(model.name, {})
        while True:
            session: Session | None = None
            first = self._memory.first_use(chosen.plan)
            if first is not None:
                await self._memory.enter(first)
            try:
                session = await self._openings.session(model.name, model.config, chosen.plan)
                with session:
                    run = await self._attempt(model, chosen, session, feeds, rider)
                self._look_after(model, session)
                return run
            except (HostError, RefusedError) as error:
                chosen = self._next(model, chosen.plan, error, trouble, session is None)
            finally:
                if first is not None:
                    self._spawn(self._memory.leave(first))

    async def retire(self, model: Model, kept: Plan | None) -> None:
        """Free the sessions of a model, but those of the plan that serves from now on."""
        staying = set() if kept is None else set(self._places(model, kept))
        for plan in self._planner.plans(model.name).plans:
            for place in self._places(model, plan):
                session = self._sessions.get(*place)
                if session is not None and place not in staying and not session.users:
                    await self._sessions.release(session)

    def _places(self, model: Model, plan: Plan) -> list[tuple[str, str]]:
        name = session_name(model.name, plan)
        return [(lane, name) for lane in self._planner.lanes(plan)]

    async def stop(self) -> None:
        """Give up what goes on behind runs."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _attempt(
        self,
        model: Model,
        chosen: Chosen,
        session: Session,
        feeds: Mapping[str, Any],
        rider: Rider,
    ) -> ModelRun:
        plan = chosen.plan
        tensors = check_feeds(model.name, session.opened.inputs, feeds)
        usual_ms = partial(model.usual_ms, plan.key)
        flight = Flight(self._sessions, session, self._clock, usual_ms)
        request = partial(self._request, model.name, plan, session, flight, tensors)
        give_up = partial(self._spawn_with, flight.give_up)
        reply: InferenceReply = await self._lanes.ask(session.lane, rider, request, give_up)
        backend = self._backend(model, chosen, session)
        if plan.key != model.plan_key:
            self._move(model, plan, session)
        model.count(tensors, reply.infer_ms if plan.key == model.plan_key else None, backend)
        return ModelRun(reply.outputs, reply.infer_ms, backend)

    def _move(self, model: Model, plan: Plan, session: Session) -> None:
        """Take up another plan, unless this run is a straggler of one that was left meanwhile."""
        serving = self._planner.serving(model.name)
        if serving is None or serving.key != model.plan_key:
            model.take_up(plan, session.open_ms)
            serving = plan
        self._spawn(self.retire(model, serving))

    async def _request(
        self,
        model: str,
        plan: Plan,
        session: Session,
        flight: Flight,
        tensors: Mapping[str, Tensor],
    ) -> InferenceReply:
        if session.is_lost:  # While the run waited for its turn, which is no failure of the engine.
            raise lost(session.lane)
        # In the lane: a breaker may open meanwhile, and hears of runs whose caller has gone.
        running = partial(flight.run, tensors)
        return await guarded(
            self._breakers, breaker_of(model, plan), running, lambda it: it.infer_ms
        )

    def _next(
        self,
        model: Model,
        plan: Plan,
        error: HostError | RefusedError,
        trouble: _Trouble,
        is_opening: bool,
    ) -> Chosen:
        """Return the plan to try after ``error``, or raise it where there is none."""
        if error.details.get("closed") and trouble.replays < _REPLAYS:
            trouble.replays += 1
            return self._planner.choose(model.name, trouble.barred)
        can_repeat = error.code in ("worker-lost", "circuit-open")
        can_repeat = can_repeat or bool(error.details.get("deviceLost"))
        if can_repeat and trouble.repeats.total() < _REPEATS and not trouble.repeats[plan.key]:
            trouble.repeats[plan.key] += 1
        elif is_engines(error) and (is_opening or not plan.is_wasm):
            what = "it could not be opened" if is_opening else "it failed"
            self._bar(model, trouble, f"{what}: {error.message}", [plan])
        elif error.code == "network-failed":
            reason = f"its file does not come: {error.message}"
            plans = self._planner.plans(model.name).plans
            of_file = [each for each in plans if each.variant.sha256 == plan.variant.sha256]
            self._bar(model, trouble, reason, of_file)
        else:
            raise error
        try:
            return self._planner.choose(model.name, trouble.barred)
        except HostError:
            raise error from None

    def _bar(self, model: Model, trouble: _Trouble, reason: str, plans: Sequence[Plan]) -> None:
        for plan in plans:
            trouble.barred[plan.key] = reason
            self._planner.failed(model.name, plan, reason)

    def _backend(self, model: Model, chosen: Chosen, session: Session) -> Backend:
        opened = session.opened.backend
        reasons = [reason for reason in (chosen.reason, opened.fallback_reason) if reason]
        refused = self._planner.refusals(model.name)
        return replace(opened, fallback_reason="; ".join(reasons) or None, refused=refused)

    def _look_after(self, model: Model, session: Session) -> None:
        if not self._lanes.load(session.lane) and self._sessions.has_grown(session.lane):
            self._spawn(self._sessions.tidy(session.lane))
        if model.service.has_drifted:
            outdated = self._planner.outdated(model.name)
            if outdated:  # Else it is too early, and the first runs remain what is compared with.
                model.service = ServiceTime()
                model.stale |= outdated

    def _spawn_with(
        self,
        action: Callable[["asyncio.Task[None]"], Coroutine[Any, Any, None]],
        asking: "asyncio.Task[None]",
    ) -> None:
        self._spawn(action(asking))

    def _spawn(self, running: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(running)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()  # No run waits for it.
