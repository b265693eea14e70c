"""What measuring found on this device: how long a plan takes, or why it is not used.

They hold for one build of the engine, one version of the browser and one adapter: where any of
them is another, nothing of it is known any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..types import JsonValue

MOST_VERDICTS: Final = 1_024
"""That many come back in the next life, the latest; of plans nobody asks for the others are.

Within a life all are kept: where one took another's place, measuring would never end.
"""

REFUSED_MS: Final = 7 * 86_400_000
"""A plan that gave wrong answers, failed or ended its worker is tried again after a week."""

# Engines can tell a lot, and all verdicts together are one value of the store.
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """One plan, measured or refused.

    Attributes:
        ms: Median of one run, milliseconds; None where it is refused.
        reason: Why it is refused, in words; empty where it is not.
        at_ms: When, Unix time.
    """

    ms: float | None
    reason: str
    at_ms: float


class Verdicts:
    """Verdicts by the key of their plan; ``changes`` counts what was noted."""

    def __init__(self, device: str = "") -> None:
        self.device = device
        self.changes = 0
        self._by_plan: dict[str, Verdict] = {}

    def get(self, plan: str) -> Verdict | None:
        """Return what is known of a plan."""
        return self._by_plan.get(plan)

    def measured(self, plan: str, ms: float, now_ms: float) -> None:
        """Note how long one run takes."""
        self._put(plan, Verdict(ms, "", now_ms))

    def refuse(self, plan: str, reason: str, now_ms: float) -> None:
        """Note that a plan is not to be used, and why."""
        self._put(plan, Verdict(None, reason[:_LONGEST_REASON], now_ms))

    def forget(self, plans: Iterable[str]) -> None:
        """Have plans measured again."""
        self.changes += 1
        for plan in plans:
            self._by_plan.pop(plan, None)

    def refusal(self, plan: str, now_ms: float) -> str | None:
        """Return why a plan is not to be used now; None where it may be."""
        verdict = self._by_plan.get(plan)
        if verdict is None or verdict.ms is not None:
            return None
        # A clock that was set back makes nothing last for longer.
        return verdict.reason if abs(now_ms - verdict.at_ms) < REFUSED_MS else None

    def is_open(self, plan: str, now_ms: float) -> bool:
        """Say whether a plan has still to be measured."""
        verdict = self._by_plan.get(plan)
        return verdict is None or (verdict.ms is None and not self.refusal(plan, now_ms))

    def is_timed_before(self, plan: str, now_ms: float, age_ms: float) -> bool:
        """Say whether a plan was measured longer ago than ``age_ms``."""
        verdict = self._by_plan.get(plan)
        is_timed = verdict is not None and verdict.ms is not None
        return is_timed and verdict is not None and abs(now_ms - verdict.at_ms) > age_ms

    def to_plain(self) -> dict[str, JsonValue]:
        """Return what :func:`verdicts_of` reads."""
        plans: dict[str, JsonValue] = {
            plan: [verdict.ms, verdict.reason, verdict.at_ms]
            for plan, verdict in self._by_plan.items()
        }
        return {"device": self.device, "plans": plans}

    def _put(self, plan: str, verdict: Verdict) -> None:
        self.changes += 1
        self._by_plan.pop(plan, None)
        self._by_plan[plan] = verdict


def verdicts_of(plain: JsonValue, device: str) -> Verdicts:
    """Return what was stored, if it was found on this very device; never raises."""
    verdicts = Verdicts(device)
    if not isinstance(plain, Mapping) or plain.get("device") != device:
        return verdicts
    plans = plain.get("plans")
    stored = list(plans.items()) if isinstance(plans, Mapping) else []
    for plan, told in stored[-MOST_VERDICTS:]:
        verdict = _verdict(told)
        if verdict is not None:
            verdicts._put(plan, verdict)
    return verdicts


def _verdict(told: JsonValue) -> Verdict | None:
    if not isinstance(told, list) or len(told) != 3:
        return None
    ms, reason, at_ms = told
    if not isinstance(reason, str) or not _is_time(at_ms):
        return None
    if ms is None and reason:
        return Verdict(None, reason, float(at_ms))
    return Verdict(float(ms), "", float(at_ms)) if _is_time(ms) else None


def _is_time(value: JsonValue) -> bool:
    # Comparing refuses NaN and infinities, too.
    return type(value) in (int, float) and 0 <= value < 1e15
