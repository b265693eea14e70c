"""vm.vs_pyscript_*: one function in a worker, called by a page: ours, and PyScript's."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page
from starlette.routing import Mount

from tests.browser.site import Task
from web_runtime.serve_files import PrecompressedFiles

from .boot import copy_stock_pyodide
from .harness import ASSETS, expect_equal, fresh_page, p50, peer_name, served, spread
from .npm_packages import NpmPackage, unpacked
from .report import Measure
from .sites import plain_site

PYSCRIPT: Final = NpmPackage(
    "@pyscript/core",
    "0.7.31",
    "sha512-GqM1aonc1N4RTkNZ1zJ8jJk8+i2cqeztZslPsAiQtn+wHHkUX9Z1FgIg4HjCvhBylB68UKmbTVTzOobpgPIMVQ==",
)
ROUNDS: Final = 3
CALLS: Final = 200
# Eight digits: browsers may keep these files as they keep ours.
PEERS: Final = "/peers-00000001"
PAGES: Final = {"edge": "", "pyscript": "/pyscript.html"}
SCORE: Final = """
def score(values):
    return sum(value * value for value in values)
"""
TASK: Final = f"""{SCORE}
async def run(ctx, activation):
    return score(activation.ext_data["values"])
"""
WORKER: Final = f"""from pyscript import sync
{SCORE}
sync.score = score
"""
EXPECTED: Final = sum((index / 4) ** 2 for index in range(16))
PEER_PAGE: Final = f"""<!doctype html>
<meta charset="utf-8" /><title>PyScript</title>
<script type="module" src="{PEERS}/pyscript/core.js"></script>
<script type="py" worker src="/score.py"
  config='{{"interpreter": "{PEERS}/pyodide/pyodide.mjs"}}'></script>
<script src="/vm-pyscript.js"></script><script src="/vm-score.js"></script>
"""


@dataclass
class Rounds:
    """Times of one side, a list item a round: to the first answer, and of calls; milliseconds."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    calls: list[list[float]] = field(default_factory=list)


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Visit both pages in turns, each time with an empty cache, then once more."""
    site = score_site(folder / "site")
    peers = [Mount(PEERS, PrecompressedFiles(peer_files(folder / "peers"), hashed_names=True))]
    sides = {side: Rounds() for side in PAGES}
    with served(site, isolated=True, csp="off", routes=peers) as server:
        for _ in range(ROUNDS):
            for side, path in PAGES.items():
                with local_page(browser, server.url) as page:
                    visit(page, f"{server.url}{path}", sides[side])
    return [start(sides), latency(sides)]


def score_site(folder: Path) -> Path:
    """Write our page and PyScript's."""
    names = ("vm-edge.js", "vm-pyscript.js", "vm-score.js")
    scripts = ("/edge/edge.js", "/vm-edge.js", "/vm-score.js")
    extra = [ASSETS / name for name in names]
    site = plain_site(folder, tasks=[Task("Score", "score", TASK)], extra=extra, scripts=scripts)
    (site / "pyscript.html").write_text(PEER_PAGE)
    (site / "score.py").write_text(WORKER)
    return site


def peer_files(folder: Path) -> Path:
    """Write PyScript as its package ships it, and Pyodide as its own does."""
    folder.mkdir()
    shutil.copytree(unpacked(PYSCRIPT) / "dist", folder / "pyscript")
    copy_stock_pyodide(folder / "pyodide")
    return folder


@contextmanager
def local_page(browser: Browser, url: str) -> Iterator[Page]:
    """Open an empty page.

    Raises:
        RuntimeError: It asked another server for something.
    """
    foreign: list[str] = []

    def hear(request: Any) -> None:
        if not request.url.startswith((url, f"blob:{url}", "data:")):
            foreign.append(request.url)

    with fresh_page(browser) as page:
        page.context.on("request", hear)
        yield page
    if foreign:
        raise RuntimeError(f"{PYSCRIPT}: expected no network, got {foreign[:3]}")


def visit(page: Page, url: str, rounds: Rounds) -> None:
    """Open a page for the first time, call its function often, and open it once more."""
    rounds.first.append(first_score(page, url))
    found = page.evaluate("(count) => timedScores(count)", CALLS)
    expect_equal("the scores", [EXPECTED] * CALLS, found["values"])
    rounds.calls.append(found["timesMs"])
    rounds.again.append(first_score(page, url))


def first_score(page: Page, url: str) -> float:
    """Return the milliseconds from the navigation to the first answer."""
    page.goto(url)
    found = page.evaluate("() => firstScore")
    expect_equal("the score", EXPECTED, found["value"])
    return float(found["elapsedMs"])


def start(sides: dict[str, Rounds]) -> Measure:
    """Return PyScript's time to the first answer over ours, both with an empty cache."""
    edge, peer = sides["edge"], sides["pyscript"]
    details = {
        "edge_ms": round(p50(edge.first)),
        "peer_ms": round(p50(peer.first)),
        "edge_again_ms": round(p50(edge.again)),
        "peer_again_ms": round(p50(peer.again)),
        "rounds": ratios(peer.first, edge.first),
    }
    value = p50(peer.first) / p50(edge.first)
    return Measure("vm.vs_pyscript_start", value, 1, named(), "higher", details)


def latency(sides: dict[str, Rounds]) -> Measure:
    """Return PyScript's time of a call over ours."""
    medians = {side: [p50(each) for each in found.calls] for side, found in sides.items()}
    edge, peer = p50(medians["edge"]), p50(medians["pyscript"])
    details = {
        "edge_us": round(edge * 1_000),
        "peer_us": round(peer * 1_000),
        "rounds": ratios(medians["pyscript"], medians["edge"]),
        "calls": CALLS * ROUNDS,
    }
    return Measure("vm.vs_pyscript_call", peer / edge, 1, named(), "higher", details)


def ratios(over: Sequence[float], under: Sequence[float]) -> str:
    """Return the range of a ratio."""
    return spread([one / other for one, other in zip(over, under, strict=True)])


def named() -> str:
    """Return the peer with the interpreter in it."""
    return f"{PYSCRIPT} with {peer_name('pyodide')}, in its worker"
