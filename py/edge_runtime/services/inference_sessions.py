"""Open sessions in their lanes, under one budget of memory."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from ..errors import EdgeError, HostError, error_from_dict
from ..host.ports import Clock, Inference, InferenceReply
from ..pure.lane_plans import SessionSize, predicted_bytes, should_recycle, to_evict
from ..pure.statistics import MemoryStatistics
from ..tensor import Tensor
from .inference_guard import ends_lane, lost
from .inference_models import Session, Wanted

_Place = tuple[str, str]
T = TypeVar("T")


class Sessions:
    """Opens sessions once, keeps them in memory while there is room, and notices lanes that end.

    Args:
        inference: The engine.
        clock: Says what was used last.
    """

    def __init__(self, inference: Inference, clock: Clock) -> None:
        self._inference = inference
        self._clock = clock
        self._open: dict[_Place, Session] = {}
        self._opening: dict[_Place, asyncio.Task[Session]] = {}
        # How often each lane has ended: what began before an end is not of the lane of now.
        self._ends: defaultdict[str, int] = defaultdict(int)
        self._live: set[str] = set()
        self._is_stopped = False
        self._heap_bytes: dict[str, int] = {}
        self._file_bytes: dict[str, int] = {}
        self._evicted = self._recycled = self._killed = 0
        self.budget_bytes = 64 * 2**20

    def get(self, lane: str, name: str) -> Session | None:
        """Return an open session."""
        return self._open.get((lane, name))

    def is_opening(self, lane: str, name: str) -> bool:
        """Say whether a session is about to be open."""
        return (lane, name) in self._opening

    def openings(self, lane: str) -> int:
        """Return how many sessions are about to be open in a lane."""
        return sum(each == lane for each, _ in self._opening)

    async def open(self, wanted: Wanted) -> Session:
        """Return the session, opened if need be; all who want it at once share one opening.

        An opening is finished even if everybody gives up meanwhile: deadlines of runs are often
        shorter than a download, and the next run should find the model open.

        Raises:
            EdgeError: What :meth:`Inference.open` raises, an object of its own for each caller.
        """
        if self._is_stopped:
            raise lost(wanted.lane)
        place = (wanted.lane, wanted.name)
        session = self._open.get(place)
        if session is not None:
            return session
        opening = self._opening.get(place)
        if opening is None:
            opening = self._opening[place] = asyncio.create_task(self._load(wanted))
            opening.add_done_callback(lambda task: self._opening_ended(place, task))
        try:
            return await asyncio.shield(opening)
        except EdgeError as error:
            raise error_from_dict(error.to_dict()) from error

    async def run(self, session: Session, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run a session once.

        Raises:
            HostError: As :meth:`Inference.run`; ``worker-lost`` for a session that is gone.
        """
        if session.is_lost:
            raise lost(session.lane)
        session.used_ms = self._clock.monotonic_ms()
        running = partial(self._inference.run, session.lane, session.name, feeds)
        try:
            with session:
                reply = await self.in_lane(session.lane, running)
        except HostError as error:
            if error.code == "inference-failed" and session.opened.backend.name == "webnn":
                await self.release(session)  # What failed once there fails for good.
            raise
        if not session.is_lost:
            self._weigh(session, reply.heap_bytes)
        return reply

    async def in_lane(self, lane: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call to a lane, and notice whether the lane ends of it.

        Raises:
            EdgeError: What ``call`` raises; with ``details`` closed where the lane was ended
                meanwhile, for whatever reason of others.
        """
        ends = self._ends[lane]
        try:
            return await call()
        except HostError as error:
            if ends == self._ends[lane]:
                if ends_lane(error):
                    self._lane_ended(lane)
            elif not error.details.get("poisoned"):
                error.details["closed"] = True
            raise

    async def release(self, session: Session) -> None:
        """Free a session, and its lane with the last one in it."""
        if session.is_lost:
            return
        self._forget(session)
        if self._is_needed(session.lane):
            await self._inference.release(session.lane, session.name)
        else:
            await self.close(session.lane, "no model is open in it")

    async def kill(self, session: Session, reason: str) -> None:
        """End a session's lane in the middle of a run."""
        if not session.is_lost:
            self._killed += 1
            await self.close(session.lane, reason)

    async def close(self, lane: str, reason: str) -> None:
        """End a lane with all that is open in it; its runs raise ``worker-lost``, closed."""
        self._lane_ended(lane)
        await self._inference.close(lane, reason)

    def has_grown(self, lane: str) -> bool:
        """Say whether a lane holds much more memory than its sessions need, and none is in use."""
        live = [each for each in self._open.values() if each.lane == lane]
        if any(each.users for each in live) or any(each == lane for each, _ in self._opening):
            return False
        live_bytes = sum(each.size_bytes for each in live)
        return should_recycle(self._heap_bytes.get(lane, 0), live_bytes, self.budget_bytes)

    async def tidy(self, lane: str) -> None:
        """End a lane that has grown."""
        if self.has_grown(lane):
            self._recycled += 1
            await self.close(lane, "its memory had grown above what its models need")

    async def stop(self) -> None:
        """Give up openings and end every lane; nothing is opened any more."""
        self._is_stopped = True
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        for lane in list(self._live):
            await self.close(lane, "the runtime stopped")

    def has_room(self, digest: str) -> bool:
        """Say whether another session of a file fits without any leaving."""
        taken = sum(each.size_bytes for each in self._open.values())
        return taken + predicted_bytes(self._file_bytes.get(digest)) <= self.budget_bytes

    def reopen_ms(self, lane: str) -> float:
        """Return what it took to open what a lane holds."""
        return sum(each.open_ms for each in self._open.values() if each.lane == lane)

    def statistics(self) -> MemoryStatistics:
        """Return the figures of memory."""
        return MemoryStatistics(
            budgetBytes=self.budget_bytes,
            sessionsBytes=sum(each.size_bytes for each in self._open.values()),
            heapBytes=dict(self._heap_bytes),
            evicted=self._evicted,
            recycled=self._recycled,
            killed=self._killed,
        )

    async def _load(self, wanted: Wanted) -> Session:
        lane, name, digest, make = wanted
        ends, before_bytes = self._ends[lane], self._heap_bytes.get(lane, 0)
        await self._make_room(predicted_bytes(self._file_bytes.get(digest)))
        began_ms = self._clock.monotonic_ms()
        self._live.add(lane)
        try:
            opened = await make()
        except EdgeError:
            # This opening still counts as one that needs the lane.
            if ends == self._ends[lane] and not self._is_needed(lane, but=name):
                await self.close(lane, "no model is open in it")
            raise
        if ends != self._ends[lane]:
            raise lost(lane)
        now_ms = self._clock.monotonic_ms()
        self._heap_bytes[lane] = opened.heap_bytes
        self._file_bytes[digest] = opened.file_bytes
        size_bytes = max(opened.file_bytes, opened.heap_bytes - before_bytes)
        session = Session(lane, name, opened, size_bytes, now_ms - began_ms, now_ms)
        self._open[lane, name] = session
        await self._make_room(0, keep=session)
        return session

    def _weigh(self, session: Session, heap_bytes: int) -> None:
        """Take in what a lane holds; what a first run needs is part of what its model takes.

        Else a lane would be ended after each run of a model that computes in much memory.
        """
        if not session.has_run:
            session.size_bytes += max(0, heap_bytes - self._heap_bytes.get(session.lane, 0))
            session.has_run = True
        self._heap_bytes[session.lane] = heap_bytes

    async def _make_room(self, needed_bytes: int, keep: Session | None = None) -> None:
        """Release what was used least recently until ``needed_bytes`` fit in the budget."""
        by_place = {f"{lane} {name}": each for (lane, name), each in self._open.items()}
        sizes = [
            SessionSize(place, each.size_bytes, each.used_ms, each.users > 0 or each is keep)
            for place, each in by_place.items()
        ]
        for place in to_evict(sizes, needed_bytes, self.budget_bytes):
            # While the one before was released, another run may have taken this one up.
            if not by_place[place].users:
                self._evicted += 1
                await self.release(by_place[place])

    def _is_needed(self, lane: str, but: str | None = None) -> bool:
        """Say whether anything is open in a lane, or about to be, beside an opening of ``but``."""
        opening = (place for place in self._opening if place != (lane, but))
        return any(each == lane for each, _ in (*self._open, *opening))

    def _lane_ended(self, lane: str) -> None:
        self._ends[lane] += 1
        self._live.discard(lane)
        self._heap_bytes.pop(lane, None)
        for session in list(self._open.values()):
            if session.lane == lane:
                self._forget(session)

    def _forget(self, session: Session) -> None:
        session.is_lost = True
        self._open.pop((session.lane, session.name), None)

    def _opening_ended(self, place: _Place, task: "asyncio.Task[Session]") -> None:
        self._opening.pop(place, None)
        if not task.cancelled():
            task.exception()  # Taken here too: every waiter may have been cancelled meanwhile.
