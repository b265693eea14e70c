"""From a plan to an open session: which lane, which file, under which breaker."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ..config_models import ModelConfig, Variant
from ..errors import EdgeError
from ..host.ports import Inference, ModelFile, OpenedModel, Page, Target
from ..pure.dispatcher_ports import Gate
from ..pure.lane_plans import LaneLoad, assign
from ..pure.plans import Plan, breaker_of
from ..types import JsonValue
from .inference_guard import admitted, guarded, is_engines
from .inference_models import Session, Wanted
from .inference_planner import Planner
from .inference_sessions import Sessions


class Openings:
    """Opens plans.

    Args:
        inference: The engine.
        sessions: Where they are kept.
        planner: Which lanes there are.
        breakers: By ``model@backend``.
        page: Hears of downloads.
        resolve: Turns a configured URL into an absolute one.
        load: Returns how many requests a lane has.
        resource: Returns a file of a task's bundle, for the key of a sealed model.
    """

    def __init__(
        self,
        *,
        inference: Inference,
        sessions: Sessions,
        planner: Planner,
        breakers: Gate,
        page: Page,
        resolve: Callable[[str], str],
        load: Callable[[str], int],
        resource: Callable[[str, str], bytes],
    ) -> None:
        self._inference = inference
        self._sessions = sessions
        self._planner = planner
        self._breakers = breakers
        self._page = page
        self._resolve = resolve
        self._load = load
        self._resource = resource
        self._spares: set[asyncio.Task[Session]] = set()
        # Lane and session: where a device has no room for one, it has none the next time.
        self._unfit: set[tuple[str, str]] = set()

    async def session(
        self, model: str, config: ModelConfig, plan: Plan, *, is_trial: bool = False
    ) -> Session:
        """Return an open session where the plan's line is shortest.

        Args:
            model: Its name.
            config: Its files.
            plan: The file, and where it is to run.
            is_trial: No run waits for it, so that no breaker hears if it cannot be opened.

        Raises:
            EdgeError: As :meth:`Inference.open`; ``circuit-open``; ``argument-invalid`` for a key
                that no bundle has.
        """
        self._sessions.budget_bytes = self._planner.budget_bytes()
        name = session_name(model, plan)
        lanes = [
            LaneLoad(
                lane,
                self._load(lane) + self._sessions.openings(lane),
                self._sessions.get(lane, name) is not None,
                self._sessions.is_opening(lane, name),
            )
            for lane in self._planner.lanes(plan)
        ]
        lane, spare = assign(lanes)
        if spare is not None and self._is_fit(spare, name, plan.variant.sha256):
            self._prepare(self._wanted(model, config, plan, spare, is_trial=True))
        session = self._sessions.get(lane, name)
        if session is None:
            wanted = self._wanted(model, config, plan, lane, is_trial=is_trial)
            session = await self._sessions.open(wanted)
        self._planner.learn(plan.variant.sha256, session.opened.inputs)
        return session

    async def stop(self) -> None:
        """Give up what nobody waits for."""
        for task in self._spares:
            task.cancel()
        await asyncio.gather(*self._spares, return_exceptions=True)

    def _is_fit(self, lane: str, name: str, digest: str) -> bool:
        return (lane, name) not in self._unfit and self._sessions.has_room(digest)

    def _prepare(self, wanted: Wanted) -> None:
        task = asyncio.create_task(self._sessions.open(wanted))
        self._spares.add(task)
        task.add_done_callback(partial(self._prepared, wanted))

    def _prepared(self, wanted: Wanted, task: "asyncio.Task[Session]") -> None:
        self._spares.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, EdgeError) and is_engines(error):
            self._unfit.add((wanted.lane, wanted.name))

    def _wanted(
        self, model: str, config: ModelConfig, plan: Plan, lane: str, *, is_trial: bool
    ) -> Wanted:
        way = plan.candidate
        target = Target(way.backend, way.device, way.build, way.threads, config.dimensions)
        name = session_name(model, plan)

        def make() -> Coroutine[Any, Any, OpenedModel]:
            file = self._file(plan.variant)
            told = _Download(self._page, model)
            call = partial(self._inference.open, lane, name, file, target, told)
            opening = partial(self._sessions.in_lane, lane, call)
            breaker = breaker_of(model, plan)
            if is_trial:
                return admitted(self._breakers, breaker, opening)
            # Success says nothing about runs, of which a breaker wants some before it closes.
            return guarded(self._breakers, breaker, opening, lambda _: None)

        return Wanted(lane, name, plan.variant.sha256, make)

    def _file(self, variant: Variant) -> ModelFile:
        at = variant.key_resource
        key = None if at is None else raw_key(self._resource(*at))
        external = {
            each.path: ModelFile(self._resolve(each.url), each.sha256) for each in variant.external
        }
        return ModelFile(self._resolve(variant.url), variant.sha256, external, key)


class _Download:
    """Tells the page how far a download is; of a file that is there at once it says nothing."""

    def __init__(self, page: Page, model: str) -> None:
        self._page = page
        self._model = model
        self._is_told = False

    def __call__(self, loaded_bytes: int, total_bytes: int | None) -> None:
        self._is_told = self._is_told or loaded_bytes != total_bytes
        if self._is_told:
            body: dict[str, JsonValue] = {"state": "model", "model": self._model}
            self._page.notify(
                "status", {**body, "loadedBytes": loaded_bytes, "totalBytes": total_bytes}
            )


def raw_key(data: bytes) -> bytes:
    """Return a key's bytes, of 64 hex digits where it is written so, as the tool writes it."""
    try:
        return bytes.fromhex(data.decode("ascii")) if len(data) >= 64 else data
    except ValueError:
        return data  # Whoever opens the file tells that it is none.


def session_name(model: str, plan: Plan) -> str:
    """Return the name of a plan's session in its lane."""
    digests = plan.variant.identity.split("+")
    return f"{model} {'+'.join(each[:12] for each in digests)}"
