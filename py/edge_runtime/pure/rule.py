"""One trigger at work: whether an event that completes it activates its task."""

import hashlib
import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final, NamedTuple

from ..config_triggers import Trigger
from ..types import JsonValue, Priority

_LONG_AGO_MS: Final = float("-inf")
_NEVER_MS: Final = float("inf")
_DIGEST_BYTES: Final = 8
_DIGEST_RANGE: Final = 2.0 ** (8 * _DIGEST_BYTES)


class Match(NamedTuple):
    """An activation: of which task, in which queue (None: the task's own), by which trigger."""

    task_name: str
    priority: Priority | None
    trigger_index: int


class Rule:
    """A trigger with its count and its cooldown.

    Attributes:
        trigger: What it is made from.
        generation: Rules of different generations share nothing.
        match: What it gives.
        expires_at_ms: Unix time from which on it does not fire.
        keeps: Whether it remembers completions or its last activation.
    """

    __slots__ = (
        "_completions",
        "_latest_ms",
        "_sampler",
        "expires_at_ms",
        "generation",
        "keeps",
        "match",
        "trigger",
    )

    def __init__(self, trigger: Trigger, index: int, generation: int) -> None:
        self.trigger = trigger
        self.generation = generation
        self.match = Match(trigger.task_name, trigger.priority, index)
        expires_at_ms = trigger.expires_at_ms
        self.expires_at_ms = _NEVER_MS if expires_at_ms is None else expires_at_ms
        self.keeps = trigger.count is not None or trigger.cooldown_ms > 0
        self._sampler = None if trigger.sample == 1 else hashlib.sha256(_identity(trigger))
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._completions: deque[float] = deque()
        self._latest_ms = _LONG_AGO_MS

    def inherit(self, former: "Rule") -> None:
        """Take over the state of the same trigger."""
        self._completions = former._completions.copy()
        self._latest_ms = former._latest_ms

    def fires(self, event_id: str, at_ms: float) -> bool:
        """Note a completion at ``at_ms`` and say whether it counts: count, cooldown, sample."""
        return (
            self._is_counted(at_ms)
            and at_ms - self._latest_ms >= self.trigger.cooldown_ms
            and self._is_sampled(event_id)
        )

    def activated(self, at_ms: float) -> None:
        """Begin the cooldown."""
        self._latest_ms = at_ms

    def to_plain(self, newest_ms: float) -> list[JsonValue]:
        """Return what still matters at ``newest_ms``: the last activation or None, completions."""
        count, latest_ms = self.trigger.count, self._latest_ms
        within_ms = 0 if count is None else count.within_ms
        is_cooling = newest_ms - latest_ms < self.trigger.cooldown_ms
        completions = [at_ms for at_ms in self._completions if newest_ms - at_ms <= within_ms]
        return [latest_ms if is_cooling else None, *completions]

    def restore(self, plain: JsonValue, newest_ms: float) -> None:
        """Go on from what :meth:`to_plain` returned; raises TypeError or ValueError for others."""
        if not isinstance(plain, Sequence) or isinstance(plain, str) or not plain:
            raise TypeError
        times = 1 if self.trigger.count is None else self.trigger.count.times
        latest_ms = _LONG_AGO_MS if plain[0] is None else time_of(plain[0])
        completions = [time_of(each) for each in plain[1:]]
        ordered = [*completions, newest_ms]
        if latest_ms > newest_ms or len(completions) >= times or ordered != sorted(ordered):
            raise ValueError
        self._latest_ms, self._completions = latest_ms, deque(completions)

    def _is_counted(self, at_ms: float) -> bool:
        count = self.trigger.count
        if count is None:
            return True
        completions = self._completions
        completions.append(at_ms)
        while at_ms - completions[0] > count.within_ms:
            completions.popleft()
        if len(completions) < count.times:
            return False
        completions.clear()
        return True

    def _is_sampled(self, event_id: str) -> bool:
        if self._sampler is None:
            return True
        digest = self._sampler.copy()
        digest.update(event_id.encode())
        number = int.from_bytes(digest.digest()[:_DIGEST_BYTES], "big")
        return number < self.trigger.sample * _DIGEST_RANGE


def time_of(plain: JsonValue) -> float:
    """Return a stored Unix time in ms; raises TypeError or ValueError for what is none."""
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise TypeError
    if not math.isfinite(plain):
        raise ValueError
    return plain


def _identity(trigger: Trigger) -> bytes:
    """Return what a trigger fires on, so that a raised sample keeps what was sampled before."""
    patterns = [astuple(pattern) for pattern in (*trigger.events, *trigger.sequence)]
    return json.dumps([trigger.task_name, patterns]).encode()
