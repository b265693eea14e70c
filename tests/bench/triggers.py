"""trigger.*: what an event costs with 10,000 triggers, in the matcher alone and all the way."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from tests.browser.site import Task

from .harness import ASSETS, expect_equal, fresh_page, p50, p99, served, spread
from .inside import ask_inside, with_inside
from .report import Measure
from .sites import plain_site
from .tasks import matching

ROUNDS: Final = 7
FEW, MANY = 100, 10_000
SETS: Final = [(kind, rules) for kind in ("mixed", "button") for rules in (FEW, MANY)]
EVENTS_A_ROUND: Final = 2_000
TRACKED: Final = 20_000
FIRES_EVERY: Final = 1_000
QUIET: Final = "async def run(ctx, activation):\n    return None\n"

Rounds = dict[tuple[str, int], list[dict[str, Any]]]
"""What the rounds of each set of triggers have found."""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure the matcher, then pages with all those triggers and without any."""
    rounds = matcher_rounds(browser, folder / "matcher")
    return [*matcher_measures(rounds), tracked(browser, folder)]


def matcher_rounds(browser: Browser, folder: Path) -> Rounds:
    """Time the sets of triggers in turns inside the worker; the first round warms up."""
    site = plain_site(folder)
    rounds: Rounds = {which: [] for which in SETS}
    judges = {which: matching.Timed(*which) for which in SETS}
    with served(site, isolated=True, routes=with_inside()) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate(
            "() => EdgeAI.start({ config: '/config.json', capture: false }).then(() => 0)"
        )
        for _ in range(ROUNDS + 1):
            for (kind, rules), judge in judges.items():
                ask = {"kind": kind, "rules": rules, "events": EVENTS_A_ROUND}
                found = ask_inside(page, matching, ask)
                expected = judge.each_us(EVENTS_A_ROUND)[1] + judge.mean_us(EVENTS_A_ROUND)[1]
                expect_equal(f"matches of {rules} {kind} rules", expected, found["matches"])
                rounds[kind, rules].append(found)
    return {which: found[1:] for which, found in rounds.items()}


def matcher_measures(rounds: Rounds) -> list[Measure]:
    """Return the slowest of a hundred events, and how the mean grows: medians of rounds."""
    many = rounds["mixed", MANY]
    slow_us = [p99(found["eachUs"]) for found in many]
    details = {
        "rounds_us": spread(slow_us),
        "p50_us": round(p50([p50(found["eachUs"]) for found in many]), 1),
        "slowest_us": round(max(max(found["eachUs"]) for found in many)),
        "clock_us": 5,
        "matches_an_event": round(
            sum(found["matches"] for found in many) / (2 * EVENTS_A_ROUND * len(many)), 2
        ),
        "rounds": ROUNDS,
    }
    return [
        Measure("trigger.match_p99_us", p50(slow_us), 100, "none (absolute)", details=details),
        growth("trigger.cost_growth", "mixed", rounds),
        growth("trigger.where_growth", "button", rounds),
    ]


def growth(key: str, kind: str, rounds: Rounds) -> Measure:
    """Return what an event costs on average with many rules over what it costs with few."""
    means_us = {rules: [found["meanUs"] for found in rounds[kind, rules]] for rules in (FEW, MANY)}
    details = {
        f"at_{rules}_us": f"{p50(each):.1f} ({spread(each)})" for rules, each in means_us.items()
    }
    ratio = p50(means_us[MANY]) / p50(means_us[FEW])
    return Measure(key, ratio, 1.5, f"itself at {FEW} rules", details=details)


def tracked(browser: Browser, folder: Path) -> Measure:
    """Track events until they are durable, with the triggers and without, pages in turns."""
    where = {"buy": True}
    rules = {"triggers": matching.plain_rules(MANY, where, ["Quiet"])}
    tasks = [Task("Quiet", "quiet", QUIET)]
    scripts, extra = ("/edge/edge.js", "/triggers.js"), [ASSETS / "triggers.js"]
    kinds: dict[str, dict[str, Any]] = {"with": rules, "without": {}}
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind, config in kinds.items():
        plain_site(folder / kind, tasks=tasks, config=config, extra=extra, scripts=scripts)
    for _ in range(3):
        for kind, config in kinds.items():
            expected = TRACKED // FIRES_EVERY if config else 0
            rates[kind].append(tracked_per_s(browser, folder / kind, expected))
    with_rules, without = p50(rates["with"]), p50(rates["without"])
    details = {
        "rounds_per_s": spread(rates["with"]),
        "without_triggers_per_s": round(without),
        "rules": MANY,
        "rules_an_event": 2,
        "fires": f"1 of {FIRES_EVERY}",
    }
    peer = "the same page without triggers"
    return Measure("trigger.events_per_s", with_rules, None, peer, "higher", details)


def tracked_per_s(browser: Browser, site: Path, expected_matches: int) -> float:
    """Fill a new store; refuse the rate if triggers did not fire as they should."""
    with served(site, isolated=True) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate("() => startQuiet()")
        order = [TRACKED, matching.pages_of(MANY), matching.CLICKS_A_PAGE, FIRES_EVERY]
        elapsed_ms, statistics = page.evaluate("(order) => trackAll(...order)", order)
    expect_equal("events stored", TRACKED, statistics["store"]["events"])
    expect_equal("triggers fired", expected_matches, statistics["triggers"]["matches"])
    return TRACKED / float(elapsed_ms) * 1_000
