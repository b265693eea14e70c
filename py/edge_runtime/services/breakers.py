"""The breakers of tasks and of models on their backends, asked by name and kept across reloads.

A model is named ``model@backend``, which no task can be called. Open breakers are one value of the
store, written only when one of them opens or closes: what a later life needs to know.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ..config_breaker import BreakerConfig
from ..errors import EdgeError, RefusedError
from ..host.ports import Clock, Page
from ..pure.breaker import Breaker, Outcome, Permit
from ..pure.breaker_states import State
from ..pure.statistics import BreakerStatistics
from ..pure.trace import Journal, Unheard
from ..types import JsonValue

KEY: Final = "edge.breakers"

FORGET_MS: Final = 86_400_000
"""An open time that ended longer ago says nothing any more; its task may not even exist."""


class Values(Protocol):
    """Where open breakers are kept."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value``, durable when this returns."""


class Breakers:
    """Implements the dispatcher's ``Gate``, for tasks and models alike.

    Args:
        clock: Its Unix time is what breakers go by, as they outlive the worker.
        page: Hears in its log of breakers that open, and of stored ones that cannot be read.
        values: Where they are kept.
        config: The settings of all of them.
        jitter: Returns a number in [0, 1) for a breaker's name and how often it has opened.
        journal: Hears of every change of a state.
    """

    def __init__(
        self,
        clock: Clock,
        page: Page,
        values: Values,
        config: BreakerConfig,
        jitter: Callable[[str, int], float],
        journal: Journal | None = None,
    ) -> None:
        self._clock = clock
        self._config = config
        self._values = values
        self._page = page
        self._jitter = jitter
        self._journal = journal or Unheard()
        self._breakers: dict[str, Breaker] = {}
        self._saving: asyncio.Task[None] | None = None
        self._unsaved = False

    def load(self) -> None:
        """Go on where an earlier life stopped; what cannot be read is told and left out."""
        stored = self._values.get(KEY)
        if isinstance(stored, Mapping):
            for task, plain in stored.items():
                self._restore(task, plain)
        elif stored is not None:
            self._warn(f"{KEY}: expected breakers by name, got something else. All begin closed.")
        self._force()

    def refusal(self, task: str) -> RefusedError | None:
        """Return why ``task`` may not be called now, None if it may.

        The error is ``circuit-open`` with ``details`` breaker and retryAfterMs.
        """
        if task not in self._breakers:
            return None
        now_ms = self._clock.now_ms()
        breaker = self._at(task, now_ms)
        wait_ms = breaker.retry_after_ms(now_ms)
        if breaker.state is State.FORCED_OPEN:
            return forced_open(task, wait_ms)
        return circuit_open(task, wait_ms) if wait_ms > 0 else None

    def acquire(self, task: str) -> Permit | None:
        """Return the permit for one call; None while :meth:`refusal` says why."""
        now_ms = self._clock.now_ms()
        return self._at(task, now_ms).acquire(now_ms)

    def done(self, task: str, permit: object, failed: bool, duration_ms: float) -> None:
        """Take in how the call of ``permit`` ended."""
        assert isinstance(permit, Permit)
        outcome, now_ms = Outcome.FAILURE if failed else Outcome.SUCCESS, self._clock.now_ms()
        breaker = self._at(task, now_ms)
        before, jitter = breaker.state, self._jitter(task, breaker.opens)
        breaker.record(permit, outcome, duration_ms, now_ms, jitter)
        self._look(task, before, now_ms)

    def trip(self, task: str) -> None:
        """Open the breaker of ``task`` now: what it does costs more than its own runs."""
        now_ms = self._clock.now_ms()
        breaker = self._at(task, now_ms)
        before, jitter = breaker.state, self._jitter(task, breaker.opens)
        breaker.trip(now_ms, jitter)
        self._look(task, before, now_ms)

    def release(self, task: str, permit: object) -> None:
        """Take back the permit of a call that says nothing about ``task``."""
        assert isinstance(permit, Permit)
        self._breakers[task].release(permit)

    def reconfigure(self, config: BreakerConfig) -> None:
        """Go by other settings from now on; only what is forced no more is closed by that."""
        if config != self._config:
            self._config = config
            for task, breaker in self._breakers.items():
                self._breakers[task] = breaker.reconfigured(config)
            self._force()

    def statistics(self) -> dict[str, BreakerStatistics]:
        """Return the figures of everything that was called, by name."""
        now_ms = self._clock.now_ms()
        return {task: _described(self._at(task, now_ms), now_ms) for task in self._breakers}

    async def save(self) -> None:
        """Return when what was to be kept is kept, or cannot be; each change is written at once."""
        if self._saving is not None:
            await asyncio.wait([self._saving])

    async def stop(self) -> None:
        """Return when what was to be kept is kept, or cannot be."""
        await self.save()

    def _look(self, task: str, before: State, now_ms: float) -> None:
        breaker = self._breakers[task]
        if breaker.state is not before:
            self._changed(task, before, breaker.state)
            if breaker.state is State.OPEN:
                self._warn(circuit_open(task, breaker.retry_after_ms(now_ms)).message)

    def _at(self, task: str, now_ms: float) -> Breaker:
        """Return the breaker as it is now; time alone may have changed its state."""
        breaker = self._breakers.get(task)
        if breaker is None:
            breaker = self._breakers[task] = Breaker(self._config)
        if breaker.state is State.OPEN and breaker.allows(now_ms):
            self._changed(task, State.OPEN, breaker.state)
        return breaker

    def _force(self) -> None:
        """Keep open what the configuration names, and close what it named before."""
        now_ms, forced = self._clock.now_ms(), self._config.forced_open
        for name in {**dict.fromkeys(forced), **self._breakers}:
            breaker = self._at(name, now_ms)
            before = breaker.state
            if (name in forced) is not (before is State.FORCED_OPEN):
                breaker.force_open() if name in forced else breaker.reset()
                self._changed(name, before, breaker.state)

    def _changed(self, task: str, before: State, after: State) -> None:
        self._journal.note("breaker", task=task, **{"from": before.value, "to": after.value})
        # Half-open is kept as open, whose time is over: what is stored says so already. What is
        # forced is in the configuration.
        if after is State.OPEN or after is State.CLOSED:
            self._save()

    def _restore(self, task: str, plain: JsonValue) -> None:
        try:
            breaker = Breaker.from_dict(self._config, plain)
        except (KeyError, TypeError, ValueError, OverflowError):
            self._warn(f"{KEY}, {task}: expected a breaker, got something else. It begins closed.")
        else:
            if breaker.until_ms > self._clock.now_ms() - FORGET_MS:
                self._breakers[task] = breaker

    def _save(self) -> None:
        self._unsaved = True
        if self._saving is None:
            self._saving = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._unsaved:
                self._unsaved = False
                await self._values.put(KEY, self._kept(), encrypted=True)
        except EdgeError:
            # The store tells of its own troubles; the next change is written again, with this one.
            pass
        finally:
            self._saving = None

    def _kept(self) -> dict[str, JsonValue]:
        return {
            task: breaker.to_dict()
            for task, breaker in self._breakers.items()
            if breaker.state in (State.OPEN, State.HALF_OPEN)
        }

    def _warn(self, message: str) -> None:
        self._page.notify("log", {"level": "warning", "message": message})


def circuit_open(task: str, wait_ms: float) -> RefusedError:
    """Say that calls failed or were slow too often, and for how long there are none."""
    wait_ms = round(wait_ms, 3)
    return RefusedError(
        "circuit-open",
        f"{task}: expected most of the latest calls to succeed in time, got a breaker that opened. "
        f"Try again in {wait_ms:g} ms.",
        {"breaker": task, "retryAfterMs": wait_ms},
    )


def forced_open(task: str, wait_ms: float) -> RefusedError:
    """Say that the configuration lets no call through."""
    return RefusedError(
        "circuit-open",
        f"{task}: expected a breaker that lets calls through, got one that the configuration keeps "
        "open. Take the name out of scheduler.breaker.forcedOpen.",
        {"breaker": task, "retryAfterMs": round(wait_ms, 3)},
    )


def jitter_of(life: str, name: str, opens: int) -> float:
    """Return the jitter of a breaker's next open time in one life, which differs between pages.

    It depends on nothing else: which of two breakers opens first does not matter. Over random
    lives it is uniform, as CRC-32 maps any 32 consecutive bits one to one.
    """
    return zlib.crc32(f"{life} {name} {opens}".encode()) / 2**32


def _described(breaker: Breaker, now_ms: float) -> BreakerStatistics:
    wait_ms = round(breaker.retry_after_ms(now_ms), 3)
    breaker.window.forget(now_ms)
    return BreakerStatistics(
        state=breaker.state.value,
        calls=breaker.window.calls,
        failures=breaker.window.failures,
        slow=breaker.window.slow,
        opens=breaker.opens,
        retryAfterMs=wait_ms,
    )
