"""trigger.*: what an event costs with 10,000 triggers, in the matcher alone and all the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.site import SYSTEM, Task

from .harness import ASSETS, expect_equal, fresh_page, p50, p99, served, spread
from .report import Measure
from .sites import plain_site
from .tasks import matching

ROUNDS: Final = 7
FEW, MANY = 100, 10_000
EVENTS_A_ROUND: Final = 2_000
TRACKED: Final = 20_000
FIRES_EVERY: Final = 1_000
MATCHING: Final = Path(matching.__file__).read_text()
QUIET: Final = "async def run(ctx, activation):\n    return None\n"


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure the matcher, then pages with all those triggers and without any."""
    rounds = matcher_rounds(browser, folder / "matcher")
    return [*matcher_measures(rounds[FEW], rounds[MANY]), tracked(browser, folder)]


def matcher_rounds(browser: Browser, folder: Path) -> dict[int, list[dict[str, Any]]]:
    """Time few and many triggers in turns inside the worker; the first round warms up."""
    options = {"timeout_ms": 60_000}
    site = plain_site(folder, tasks=[Task("Matching", "matching", MATCHING, options)])
    rounds: dict[int, list[dict[str, Any]]] = {FEW: [], MANY: []}
    judges = {rules: matching.Timed(rules) for rules in rounds}
    with served(site, isolated=True) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate(
            "() => EdgeAI.start({ config: '/config.json', capture: false }).then(() => 0)"
        )
        for _ in range(ROUNDS + 1):
            for rules, judge in judges.items():
                found = match_some(page, rules)
                expected = judge.each_us(EVENTS_A_ROUND)[1] + judge.mean_us(EVENTS_A_ROUND)[1]
                expect_equal(f"matches of {rules} rules", expected, found["matches"])
                rounds[rules].append(found)
    return {rules: found[1:] for rules, found in rounds.items()}


def match_some(page: Page, rules: int) -> dict[str, Any]:
    """Run one round of the task."""
    call = "(call) => EdgeAI.infer(call).then(({ value }) => value)"
    ask = {"rules": rules, "events": EVENTS_A_ROUND}
    return dict(
        page.evaluate(call, {"systemCode": SYSTEM, "businessCode": "matching", "extData": ask})
    )


def matcher_measures(
    few: Sequence[Mapping[str, Any]], many: Sequence[Mapping[str, Any]]
) -> list[Measure]:
    """Return the slowest of a hundred events, and how the mean grows: medians of rounds."""
    slow_us = [p99(found["eachUs"]) for found in many]
    few_us, many_us = ([found["meanUs"] for found in rounds] for rounds in (few, many))
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
    growth = {
        f"at_{FEW}_us": f"{p50(few_us):.1f} ({spread(few_us)})",
        f"at_{MANY}_us": f"{p50(many_us):.1f} ({spread(many_us)})",
    }
    peer = f"itself at {FEW} rules"
    return [
        Measure("trigger.match_p99_us", p50(slow_us), 100, "none (absolute)", details=details),
        Measure("trigger.cost_growth", p50(many_us) / p50(few_us), 1.5, peer, details=growth),
    ]


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
        pages = MANY // matching.RULES_A_PAGE
        order = [TRACKED, pages, matching.CLICKS_A_PAGE, FIRES_EVERY]
        elapsed_ms, statistics = page.evaluate("(order) => trackAll(...order)", order)
    expect_equal("events stored", TRACKED, statistics["store"]["events"])
    expect_equal("triggers fired", expected_matches, statistics["triggers"]["matches"])
    return TRACKED / float(elapsed_ms) * 1_000
