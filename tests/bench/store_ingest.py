"""store.ingest_*: events made durable a second, ours and the peers' in turns, on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page

from .harness import expect_equal, p50, peer_name, served
from .report import Measure
from .store_site import PEERS_PAGE, page_of, statistics_of

ROUNDS: Final = 3
BATCH: Final = 1_000
EVENTS: Final = 100_000
# As many as take seconds, not minutes: neither peer becomes faster with more of them.
PEER_EVENTS: Final = {"rxdb": 10_000, "dexie": 20_000, "limit": EVENTS}


def measure(context: BrowserContext, site: Path) -> tuple[list[Measure], dict[str, float]]:
    """Fill a new origin for each and round.

    Returns:
        The measures, and each peer's stored bytes per event.
    """
    rates: dict[str, list[float]] = {name: [] for name in ("edge", *PEER_EVENTS)}
    stored_bytes: dict[str, list[float]] = {name: [] for name in PEER_EVENTS}
    for _ in range(ROUNDS):
        rates["edge"].append(edge_events_per_s(context, site))
        for peer, count in PEER_EVENTS.items():
            filled = fill_peer(context, site, peer, count)
            rates[peer].append(filled["timed"] / filled["elapsedMs"] * 1000)
            stored_bytes[peer].append(filled["bytes"] / count)
    bytes_per_event = {peer: p50(figures) for peer, figures in stored_bytes.items()}
    return ingest_measures(rates), bytes_per_event


def edge_events_per_s(context: BrowserContext, site: Path) -> float:
    """Fill our store in a new origin; the first batch warms up."""
    with served(site, isolated=True) as server, page_of(context, server.url) as page:
        page.evaluate("() => startEdge()")
        page.evaluate("(count) => fillEdge(count)", BATCH)
        elapsed_ms = page.evaluate("(count) => fillEdge(count)", EVENTS)
        expect_all_stored(statistics_of(page), EVENTS + BATCH)
    return EVENTS / elapsed_ms * 1000


def fill_peer(context: BrowserContext, site: Path, peer: str, count: int) -> dict[str, Any]:
    """Fill a peer's store in a new origin."""
    with (
        served(site, isolated=True) as server,
        page_of(context, f"{server.url}/{PEERS_PAGE}") as page,
    ):
        return fill_peer_page(page, peer, count)


def fill_peer_page(page: Page, peer: str, count: int) -> dict[str, Any]:
    """Fill a peer's store from an open page."""
    filled = page.evaluate("([peer, count]) => fillPeer(peer, count)", [peer, count])
    expect_equal(f"events of {peer}", count, filled["stored"])
    return dict(filled)


def expect_all_stored(statistics: Mapping[str, Any], events: int) -> None:
    """Refuse a fast figure of a store that lost events, or keeps them in memory."""
    expect_equal("mode of our store", "durable", statistics["store"]["mode"])
    expect_equal("events of our store", events, statistics["store"]["events"])
    expect_equal("events the page dropped", 0, statistics["page"]["dropped"])


def ingest_measures(rates: Mapping[str, Sequence[float]]) -> list[Measure]:
    """Return our rate and its ratios to the peers', medians all."""
    rate = {name: p50(figures) for name, figures in rates.items()}
    peers = {
        "rxdb": ("store.ingest_vs_rxdb", 20, f"{peer_name('rxdb')}, Dexie storage, crypto-js"),
        "dexie": ("store.ingest_vs_dexie_gcm", 5, f"{peer_name('dexie')}, AES-GCM an event"),
        "limit": ("store.ingest_vs_limit", 0.25, "IndexedDB, AES-GCM a batch"),
    }
    everybody = {f"{name}_per_s": round(figure) for name, figure in rate.items()}
    details = {**everybody, "events": EVENTS, "rounds": ROUNDS}
    key = "store.ingest_events_per_s"
    measures = [Measure(key, rate["edge"], None, "the three below", "higher", details)]
    for name, (key, goal, peer) in peers.items():
        behind = {f"{name}_per_s": round(rate[name]), f"{name}_events": PEER_EVENTS[name]}
        measures.append(Measure(key, rate["edge"] / rate[name], goal, peer, "higher", behind))
    return measures
