"""One plan on trial: its answers beside golden ones, then its times."""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ..config import LIMITS
from ..errors import HostError
from ..host.ports import Clock, InferenceReply, Network
from ..pure.agreement import compare, judge
from ..pure.feeds import check_feeds
from ..pure.golden import GOLDEN_BYTES, Golden, golden_from, parse_golden
from ..pure.plans import Plan
from ..tensor import Tensor
from ..types import Priority
from .inference_models import Model, Session
from .inference_service import Lanes
from .inference_sessions import Sessions

QUIET_MS: Final = 300
"""How long no model has run before measuring begins."""

PATIENCE_MS: Final = 20_000
"""How long such a pause is waited for; after that a shorter one will do."""

SHORT_QUIET_MS: Final = 30

RUN_MS: Final = 10_000
"""A run that takes longer than that is not worth waiting for."""

SAMPLES: Final = 7
_MOST_MS: Final = 1_500
_HOPELESS: Final = 4
# Of each output: Python stands still while it compares, and so do all runs.
_MOST_VALUES: Final = 2**16


class _LeastUrgent:
    """Stands in a line behind all runs: for lines, it has yet to arrive, and so never ages."""

    priority = Priority.LOW
    number = 2**53
    since_ms = 2.0**53

    def check(self) -> None:
        """Go on: nobody else asked for it."""

    def waited_in_lane(self, wait_ms: float) -> None:
        """Take no note."""


class Trial:
    """Asks a session as any run does, behind all runs.

    Args:
        sessions: Who runs it.
        lanes: Where requests wait.
        network: Where golden files are.
        resolve: Turns a configured URL into an absolute one.
        clock: Waits.
        activity: Returns how many runs there have been, and whether one goes on.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        lanes: Lanes,
        network: Network,
        resolve: Callable[[str], str],
        clock: Clock,
        activity: Callable[[], tuple[int, bool]],
    ) -> None:
        self._sessions = sessions
        self._lanes = lanes
        self._network = network
        self._resolve = resolve
        self._clock = clock
        self._activity = activity

    async def quiet(self) -> None:
        """Return when no model has run for a while; where they run all the time, a short while."""
        runs, is_busy = self._activity()
        began_ms = self._clock.monotonic_ms()
        while True:
            is_patient = self._clock.monotonic_ms() - began_ms < PATIENCE_MS
            await self._clock.sleep_ms(QUIET_MS if is_patient else SHORT_QUIET_MS)
            before, (runs, is_busy) = runs, self._activity()
            if runs == before and not is_busy:
                return

    async def find_golden(self, model: Model, session: Session) -> None:
        """Fetch a model's golden file, or have ``session`` answer in its place.

        Raises:
            EdgeError: The file does not come, or is none; there are no feeds; it does not answer.
        """
        if model.config.golden is not None:
            model.golden = await self._fetched(model, self._resolve(model.config.golden), session)
        elif model.sample is not None:
            reply = await self._asked(session, model.sample)
            model.golden = golden_from(model.sample, reply.outputs)

    async def compared(self, model: Model, session: Session, plan: Plan) -> str | None:
        """Return why the answers are not good enough; None where they are. It is warm then.

        Raises:
            EdgeError: It does not answer.
        """
        golden = _golden(model)
        for case in golden.cases:
            reply = await self._asked(session, case.feeds)
            difference = compare(case.outputs, reply.outputs, _MOST_VALUES)
            reason = judge(difference, golden.tolerances[plan.variant.precision])
            if reason is not None:
                return f"its answers are not the expected ones: {reason}"
        return None

    async def timed(self, model: Model, session: Session, best_ms: float | None) -> list[float]:
        """Return times of single runs, milliseconds; fewer where it is slow beyond hope.

        Raises:
            EdgeError: It does not answer.
        """
        feeds = _golden(model).cases[0].feeds
        times_ms: list[float] = []
        while len(times_ms) < SAMPLES and sum(times_ms) < _MOST_MS:
            runs, is_busy = self._activity()
            reply = await self._asked(session, feeds)
            if is_busy or self._activity() != (runs, False):
                await self.quiet()
                continue
            times_ms.append(reply.infer_ms)
            if best_ms is not None and reply.infer_ms > _HOPELESS * best_ms + 1:
                break
        return times_ms

    async def _fetched(self, model: Model, url: str, session: Session) -> Golden:
        data = await self._network.fetch(
            url, max_bytes=GOLDEN_BYTES, timeout_ms=LIMITS.fetch_timeout_ms
        )
        opened = session.opened
        try:
            golden = parse_golden(json.loads(data), opened.inputs, opened.outputs)
            for case in golden.cases:
                check_feeds(model.name, opened.inputs, case.feeds)
            return golden
        except Exception as error:  # Whatever is in the file, it ends no measuring of others.
            # Of the file's kind, so that it is nobody else's fault.
            raise HostError(
                "network-failed", f"golden file {url}: {error}", {"url": url}
            ) from error

    async def _asked(self, session: Session, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run once, when nobody else wants to; a run that takes too long ends its lane."""
        reply: InferenceReply = await self._lanes.ask(
            session.lane, _LeastUrgent(), partial(self._bounded, session, feeds)
        )
        return reply

    async def _bounded(self, session: Session, feeds: Mapping[str, Tensor]) -> InferenceReply:
        running = asyncio.create_task(self._sessions.run(session, feeds))
        alarm = asyncio.create_task(self._clock.sleep_ms(RUN_MS))
        try:
            await asyncio.wait([running, alarm], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return await running
            await self._sessions.kill(session, "a measured run took too long")
            await asyncio.gather(running, return_exceptions=True)
            text = f"expected an answer within {RUN_MS} ms, got none"
            raise HostError("inference-failed", text)
        finally:
            alarm.cancel()
            running.cancel()
            await asyncio.gather(alarm, running, return_exceptions=True)


def _golden(model: Model) -> Golden:
    assert model.golden is not None, "find_golden() comes first"
    return model.golden
