"""loop.hops_per_activation: callbacks of the worker's event loop from a click to its result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.site import Task

from .harness import ASSETS, expect_equal, fresh_page, p50, served, spread
from .inside import ask_inside, with_inside
from .report import Measure
from .sites import MLP_ROWS, MLP_WIDTHS, mlp, plain_site
from .tasks import loop_counter

ROUNDS: Final = 5
CLICKS_A_ROUND: Final = 100

NOTHING: Final = "async def run(ctx, activation):\n    return None\n"
INFER: Final = f"""
from edge_runtime.task import Tensor

X = Tensor("float32", ({MLP_ROWS}, {MLP_WIDTHS[0]}), bytes({MLP_ROWS * MLP_WIDTHS[0] * 4}))

async def run(ctx, activation):
    await ctx.query("select count(*) as n from events")
    await ctx.infer("mlp", {{"x": X}})
"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Count for a task that does nothing, and for one with a query and an inference."""
    nothing, durable = counted(browser, folder / "nothing", NOTHING)
    infer, _ = counted(browser, folder / "infer", INFER)
    hops = [found["callbacks"] for found in nothing]
    details = {
        "rounds": spread(hops),
        "turns": p50([found["turns"] for found in nothing]),
        "timers": p50([found["timers"] for found in nothing]),
        "until_durable": p50([found["callbacks"] for found in durable]),
        "with_query_and_infer": p50([found["callbacks"] for found in infer]),
        "its_turns": p50([found["turns"] for found in infer]),
        "clicks": CLICKS_A_ROUND * ROUNDS,
    }
    none = "none (absolute)"
    return [Measure("loop.hops_per_activation", p50(hops), None, none, details=details)]


def counted(browser: Browser, folder: Path, source: str) -> list[list[dict[str, float]]]:
    """Return the counts a click by round: until the result, and until the event is durable.

    The first round of each warms up. Commits go on meanwhile, one for all clicks of 50 ms.
    """
    pattern = {"type": "mta", "pageId": "Bench", "clickIds": ["hit"]}
    site = plain_site(
        folder,
        tasks=[Task("Clicked", "clicked", source, {"models": ["mlp"]})],
        models={"mlp": mlp()},
        config={"triggers": [{"taskName": "Clicked", "events": [pattern]}]},
        extra=[ASSETS / "loop.js"],
        scripts=("/edge/edge.js", "/loop.js"),
    )
    with served(site, isolated=True, routes=with_inside()) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate("() => startCounted()")
        return [
            [counted_round(page, is_durable) for _ in range(ROUNDS + 1)][1:]
            for is_durable in (False, True)
        ]


def counted_round(page: Page, is_durable: bool) -> dict[str, float]:
    """Click one time after the other; what asking for the counts costs is taken off."""
    asking = clicks(page, 0, is_durable)
    found = clicks(page, CLICKS_A_ROUND, is_durable)
    return {key: (count - asking[key]) / CLICKS_A_ROUND for key, count in found.items()}


def clicks(page: Page, count: int, is_durable: bool) -> Mapping[str, int]:
    """Return the counts of ``count`` clicks, every one of which had its result."""
    before = page.evaluate("() => EdgeAI.statistics()")
    ask_inside(page, loop_counter, {})
    page.evaluate("(order) => clickAll(...order)", [count, is_durable])
    counts = ask_inside(page, loop_counter, {})
    after = page.evaluate("() => EdgeAI.statistics()")
    expect_equal("runs of the clicks", count, finished(after) - finished(before))
    return counts


def finished(statistics: Mapping[str, Any]) -> int:
    """Return how many runs of the clicked task have ended."""
    return int(statistics["tasks"]["Clicked"]["runs"])
