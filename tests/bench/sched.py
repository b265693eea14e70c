"""sched.*: what a run costs our scheduler, beside p-queue and opossum; and core runs in a flood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from . import sched_flood
from .harness import ASSETS, expect_equal, fresh_page, p50, peer_name, served, spread
from .inside import ask_inside, with_inside
from .report import Measure
from .sites import plain_site
from .store_site import bundle
from .tasks import scheduling

ROUNDS: Final = 7
TASKS: Final = 2_000
PEERS: Final = ("pQueue", "opossum", "both")


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure costs, then latencies."""
    rounds = cost_rounds(browser, folder / "costs")
    return [*cost_measures(rounds), *sched_flood.measure(browser, folder / "flood")]


def cost_rounds(browser: Browser, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Run all in turns on one page, ours inside its worker; the first round warms up."""
    site = plain_site(folder, scripts=("/edge/edge.js", "/sched-peers.js"))
    bundle(ASSETS / "sched-peers.js", site / "sched-peers.js")
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in ("edge", *PEERS)}
    with served(site, isolated=True, routes=with_inside()) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate(
            "() => EdgeAI.start({ config: '/config.json', capture: false }).then(() => 0)"
        )
        for _ in range(ROUNDS + 1):
            rounds["edge"].append(ask_inside(page, scheduling, {"count": TASKS}))
            for peer in PEERS:
                found = page.evaluate("([name, count]) => runPeer(name, count)", [peer, TASKS])
                expect_equal(f"tasks of {peer}", 2 * TASKS, found["ended"])
                rounds[peer].append(found)
    return {name: found[1:] for name, found in rounds.items()}


def cost_measures(rounds: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Measure]:
    """Return the dispatcher's cost alone, and the scheduler's beside the peers'."""
    batches = [p50(found["dispatchUs"]) for found in rounds["edge"]]
    details = {"rounds_us": spread(batches), "waiting": scheduling.WAITING, "rounds": ROUNDS}
    none = "none (absolute)"
    return [
        Measure("sched.dispatch_p50_us", p50(batches), None, none, details=details),
        per_s(rounds),
        overhead_us(rounds),
    ]


def per_s(rounds: Mapping[str, Sequence[Mapping[str, Any]]]) -> Measure:
    """Return how many tasks a second end that are submitted at once."""
    rates = {
        name: [TASKS / found["atOnceMs"] * 1_000 for found in each] for name, each in rounds.items()
    }
    peers = {f"{name}_per_s": round(p50(rates[name])) for name in PEERS}
    details = {"rounds_per_s": spread(rates["edge"]), **peers, "tasks": TASKS}
    return Measure("sched.tasks_per_s", p50(rates["edge"]), None, peers_name(), "higher", details)


def overhead_us(rounds: Mapping[str, Sequence[Mapping[str, Any]]]) -> Measure:
    """Return what a task costs that is awaited before the next one is submitted."""
    costs = {
        name: [found["oneByOneMs"] / TASKS * 1_000 for found in each]
        for name, each in rounds.items()
    }
    peers = {f"{name}_us": round(p50(costs[name]), 2) for name in PEERS}
    details = {"rounds_us": spread(costs["edge"]), **peers, "tasks": TASKS}
    return Measure(
        "sched.task_overhead_us", p50(costs["edge"]), None, peers_name(), "lower", details
    )


def peers_name() -> str:
    """Return the peers with their versions."""
    return f"{peer_name('p-queue')}, {peer_name('opossum')}, one inside the other"
