"""One request to an engine, and its end when nobody waits for the answer any more."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from ..errors import HostError, RefusedError
from ..host.ports import Clock, InferenceReply
from ..pure.lane_plans import patience_ms
from ..tensor import Tensor
from .inference_models import Session
from .inference_sessions import Sessions

_OVERLONG_MS: Final = 1_000
_OVERLONG: Final = 4
# Before the first answer nothing tells a slow model, or shaders that are compiled, from a hang.
_OVERLONG_FIRST_MS: Final = 3_000


class Flight:
    """A request on its way.

    Args:
        sessions: Who runs it, and ends its lane.
        session: What runs.
        clock: Measures it.
        usual_ms: Returns what its model's runs take; None before the first.
    """

    def __init__(
        self,
        sessions: Sessions,
        session: Session,
        clock: Clock,
        usual_ms: Callable[[], float | None],
    ) -> None:
        self._sessions = sessions
        self._session = session
        self._clock = clock
        self._usual_ms = usual_ms
        self._began_ms = clock.monotonic_ms()
        self._is_ended = False

    async def run(self, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run the session once.

        Raises:
            HostError: As :meth:`Sessions.run`.
            RefusedError: ``run-cancelled``: it was ended in time, which is nobody's failure.
        """
        self._began_ms = self._clock.monotonic_ms()
        try:
            return await self._sessions.run(self._session, feeds)
        except HostError as error:
            if not self._is_ended:
                raise
            if not self._is_overlong():
                raise RefusedError("run-cancelled", error.message, error.details) from error
            raise HostError(error.code, error.message, {"lane": self._session.lane}) from error

    async def give_up(self, asking: "asyncio.Task[None]") -> None:
        """Wait for the answer as long as that is cheaper than a new lane, then end the lane."""
        elapsed_ms = self._clock.monotonic_ms() - self._began_ms
        reopen_ms = self._sessions.reopen_ms(self._session.lane)
        wait_ms = patience_ms(elapsed_ms, self._usual_ms(), reopen_ms)
        alarm = asyncio.create_task(self._clock.sleep_ms(wait_ms))
        try:
            await asyncio.wait([asking, alarm], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                self._is_ended = True
                await self._sessions.kill(self._session, "nobody waits for its run any more")
        finally:
            alarm.cancel()

    def _is_overlong(self) -> bool:
        """Say whether it took so long that the engine, not the caller, is to blame."""
        usual_ms, longest_ms = self._usual_ms(), float(_OVERLONG_FIRST_MS)
        if usual_ms is not None:
            longest_ms = max(_OVERLONG_MS, _OVERLONG * usual_ms)
        return self._clock.monotonic_ms() - self._began_ms > longest_ms
