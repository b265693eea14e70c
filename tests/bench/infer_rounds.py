"""Times of one model in turns: our task, each plan in a raw engine, a raw engine's defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from playwright.sync_api import Page

from .harness import p50
from .infer_models import BenchModel
from .infer_site import Way, edge_runs, expect_same, open_raw, raw_runs

EDGE: Final = "edge"
DEFAULTS: Final = "defaults"
ROUNDS: Final = 8
ROUND_MS: Final = 150.0
MOST_RUNS: Final = 40
HOPELESS: Final = 4.0
SAME_PLAN: Final = 1e-4
OTHER_PLAN: Final = 5e-2


@dataclass
class Timed:
    """Times of one model by side and round, ms; a side is ``edge``, ``defaults``, a plan's key.

    Attributes:
        model: Which.
        chosen: Key of the plan that our task ran by.
        round_trip_ms: Of the chosen plan's raw engine, its worker's messages included.
        dropped: Sides that were so slow that they ran only once, and their time.
    """

    model: BenchModel
    chosen: str
    times_ms: dict[str, list[list[float]]] = field(default_factory=dict)
    round_trip_ms: list[float] = field(default_factory=list)
    dropped: dict[str, float] = field(default_factory=dict)

    def p50(self, side: str) -> float:
        """Return a side's median."""
        return p50(list(chain.from_iterable(self.times_ms[side])))

    def over(self, side: str, other: str) -> float:
        """Return a side's time over another's: the median of the rounds, so that load cancels."""
        rounds = zip(self.times_ms[side], self.times_ms[other], strict=True)
        return p50([p50(ours) / p50(theirs) for ours, theirs in rounds])

    @property
    def raw_ms(self) -> float:
        """Return the median of the raw engine with the backend and threads of ours."""
        return self.p50(self.chosen)

    @property
    def regret(self) -> float:
        """Return the chosen plan's time over that of the fastest, both in raw engines."""
        plans = [side for side in self.times_ms if side not in (EDGE, DEFAULTS)]
        return max(self.over(self.chosen, plan) for plan in plans)


def time_model(page: Page, model: BenchModel, plans: Sequence[Mapping[str, Any]]) -> Timed:
    """Run a model on all sides in turns.

    Args:
        page: With our runtime started, and the model measured.
        model: Which.
        plans: As ``statistics()`` tells them; those refused for wrong answers are left out.

    Raises:
        RuntimeError: Outputs differ.
    """
    backend = edge_runs(page, model.name, 1)["backend"]
    timed = Timed(model, "-".join(filter(None, (backend["name"], backend.get("device")))))
    ways = {plan["backend"]: Way(plan["backend"], plan["threads"]) for plan in plans}
    ways[DEFAULTS] = Way("wasm", None)
    for side, way in ways.items():
        open_raw(page, side, model, way)
    counts = _counts(page, timed, ways)
    for number in range(ROUNDS):
        # There and back: no side always runs after the same other one.
        for side in sorted(counts, reverse=bool(number % 2)):
            _round(page, timed, side, counts[side])
    _expect_outputs(page, timed)
    page.evaluate("() => inferBench.closeRaws()")
    return timed


def _counts(page: Page, timed: Timed, ways: Mapping[str, Way]) -> dict[str, int]:
    """Warm every side up and return how many runs make a round; hopeless sides are dropped."""
    name = timed.model.name
    first_ms = {EDGE: min(edge_runs(page, name, 3)["timesMs"])}
    for side in ways:
        raw_runs(page, side, name, 1)
        first_ms[side] = raw_runs(page, side, name, 1)["timesMs"][0]
    limit_ms = HOPELESS * min(first_ms.values()) + 1
    counts = {}
    for side, ms in first_ms.items():
        if ms > limit_ms and side not in (EDGE, DEFAULTS, timed.chosen):
            timed.dropped[side] = ms
        else:
            counts[side] = max(2, min(MOST_RUNS, round(ROUND_MS / max(ms, 0.1))))
    return counts


def _round(page: Page, timed: Timed, side: str, count: int) -> None:
    name = timed.model.name
    if side == EDGE:
        times = edge_runs(page, name, count)
        _expect_plan(timed, times["backend"])
    else:
        times = raw_runs(page, side, name, count)
        if side == timed.chosen:
            timed.round_trip_ms += times["roundTripMs"]
    timed.times_ms.setdefault(side, []).append(times["timesMs"])


def _expect_plan(timed: Timed, backend: Mapping[str, Any]) -> None:
    """Refuse a change of the plan amid the rounds."""
    key = "-".join(filter(None, (backend["name"], backend.get("device"))))
    if key != timed.chosen:
        text = f"{timed.model.name} to stay on {timed.chosen}, got {key}"
        raise RuntimeError(f"inference bench: expected {text}")


def _expect_outputs(page: Page, timed: Timed) -> None:
    expect_same(page, timed.chosen, EDGE, SAME_PLAN, timed.model.name)
    for side in (*timed.times_ms, *timed.dropped):
        expect_same(page, DEFAULTS, side, OTHER_PLAN, timed.model.name)
