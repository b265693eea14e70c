"""store.open_*, store.query_*: 100,000 stored events, from a reload to answers about them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page

from tests.browser.site import SYSTEM

from .harness import expect_equal, p50, p99, peer_name, served
from .report import Measure
from .store_ingest import expect_all_stored, fill_peer_page
from .store_site import PEERS_PAGE, QUERIES, ask, page_of, statistics_of

ROUNDS: Final = 5
EVENTS: Final = 100_000
MOST_ROWS: Final = 500


def measure(context: BrowserContext, site: Path, peer_bytes: Mapping[str, float]) -> list[Measure]:
    """Fill both once, then reload both in turns; the first round warms the caches."""
    with (
        served(site, isolated=True) as ours,
        served(site, isolated=True) as theirs,
        served(site, isolated=True) as theirs_sealed,
        page_of(context, ours.url) as edge,
        page_of(context, f"{theirs.url}/{PEERS_PAGE}") as rxdb,
        page_of(context, f"{theirs_sealed.url}/{PEERS_PAGE}") as sealed,
    ):
        question, expected = fill_edge(edge)
        rxdb_bytes = fill_peer_page(rxdb, "rxdb", EVENTS)["bytes"] / EVENTS
        fill_peer_page(sealed, "rxdbSealed", EVENTS)
        edge_rounds, rxdb_rounds, sealed_rounds = [], [], []
        for _ in range(ROUNDS + 1):
            edge_rounds.append(open_edge(edge, question, expected))
            rxdb_rounds.append(open_rxdb(rxdb, "openRxdb"))
            sealed_rounds.append(open_rxdb(sealed, "openRxdbSealed"))
        rounds = [each[1:] for each in (edge_rounds, rxdb_rounds, sealed_rounds)]
        timed = ask(edge, "timed", question)
        store = statistics_of(edge)["store"]
    if not 0 < timed["mostRows"] <= MOST_ROWS:
        raise RuntimeError(f"store bench: expected 1 to {MOST_ROWS} rows, got {timed['mostRows']}")
    return [
        *open_measures(*rounds),
        *query_measures(timed, store),
        bytes_measure(store, {**peer_bytes, "rxdb": rxdb_bytes}),
    ]


def fill_edge(page: Page) -> tuple[dict[str, Any], int]:
    """Fill our store; return a question and its answer before any reload."""
    page.evaluate("() => startEdge()")
    page.evaluate("(count) => fillEdge(count)", EVENTS)
    question = ask(page, "window")
    return question, ask(page, "count", question)


def open_edge(page: Page, question: dict[str, Any], expected: int) -> dict[str, Any]:
    """Reload our page and time its first answer."""
    page.reload()
    call = "([system, question]) => openEdge(system, question)"
    opened = page.evaluate(call, [SYSTEM, question])
    expect_all_stored(opened["statistics"], EVENTS)
    expect_equal("our answer after a reload", expected, opened["found"])
    return opened


def open_rxdb(page: Page, function: str) -> dict[str, Any]:
    """Reload a peer's page and time its first answer."""
    page.reload()
    opened = page.evaluate(f"(count) => {function}(count)", EVENTS)
    expect_equal("rxdb's answer after a reload", opened["expected"], opened["found"])
    return opened


def open_measures(
    edge: list[dict[str, Any]], rxdb: list[dict[str, Any]], sealed: list[dict[str, Any]]
) -> list[Measure]:
    """Compare times to the first answer, a boot of Python included."""
    edge_ms = p50([opened["elapsedMs"] for opened in edge])
    rxdb_ms = p50([opened["elapsedMs"] for opened in rxdb])
    sealed_ms = p50([opened["elapsedMs"] for opened in sealed])
    store_ms = p50([opened["statistics"]["store"]["openMs"] for opened in edge])
    peer = f"{peer_name('rxdb')}, an index of clear fields"
    details = {
        "store_only_ms": round(store_ms, 1),
        "rxdb_ms": round(rxdb_ms, 1),
        "events": EVENTS,
        "rounds": ROUNDS,
    }
    behind = {
        "store_only_vs_rxdb": round(rxdb_ms / store_ms, 3),
        "rxdb_over_sealed_field_ms": round(p50([opened["sealedMs"] for opened in rxdb]), 1),
    }
    return [
        Measure("store.open_100k_ms", edge_ms, None, peer, details=details),
        Measure("store.open_vs_rxdb", rxdb_ms / edge_ms, 5, peer, "higher", behind),
        Measure(
            "store.open_vs_rxdb_sealed",
            sealed_ms / edge_ms,
            None,
            f"{peer_name('rxdb')}, page and type sealed as ours are",
            "higher",
            {"rxdb_sealed_ms": round(sealed_ms, 1)},
        ),
    ]


def query_measures(timed: dict[str, Any], store: dict[str, Any]) -> list[Measure]:
    """Return a count's time inside the store, and as a task sees it."""
    inside, taken_ms = store["queryUs"], timed["takenMs"]
    details = {"p99_us": round(inside["p99"], 1), "most_rows": timed["mostRows"], "events": EVENTS}
    behind = {"p99_ms": round(p99(taken_ms), 3), "queries": QUERIES}
    none = "none (absolute)"
    return [
        Measure("store.query_p50_us", inside["p50"], 100, none, details=details),
        Measure("store.task_query_p50_ms", p50(taken_ms), 1, none, details=behind),
    ]


def bytes_measure(store: dict[str, Any], peer_bytes: Mapping[str, float]) -> Measure:
    """Return our bytes per event; peers' as the browser estimates them."""
    details = {f"{name}_bytes": round(figure) for name, figure in peer_bytes.items()}
    key = "store.bytes_per_event"
    return Measure(key, store["bytes"] / EVENTS, None, "peers' storage estimate", details=details)
