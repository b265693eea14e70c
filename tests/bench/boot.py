"""boot.restore_over_cold: our worker from its snapshot over stock Pyodide plus import."""

import json
import shutil
from pathlib import Path

from playwright.sync_api import Browser

from web_runtime.build.vendored import PYODIDE_FILES

from .harness import ASSETS, DIST, ROOT, fresh_page, p50, served
from .report import Measure
from .sites import plain_site

ROUNDS = 5


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Boot both ways in turns on one page; the first round warms the caches and is dropped."""
    assets = json.loads((DIST / "manifest.json").read_text())["assets"]
    site = plain_site(folder, extra=[ASSETS / "cold-worker.js", ASSETS / "peers.js"])
    cold_ms: list[float] = []
    edge_ms: list[float] = []
    modes: set[str] = set()
    copy_stock_pyodide(site / "pyodide")
    with served(site) as server, fresh_page(browser) as page:
        page.goto(server.url)
        for _ in range(ROUNDS + 1):
            cold_ms.append(
                page.evaluate(
                    "([dir, zip]) => coldBootMs(dir, zip)",
                    ["/pyodide", f"/edge/{assets['core']}"],
                )
            )
            booted = page.evaluate("() => edgeBootMs({schemaVersion: 1, systemCode: 'bench'})")
            edge_ms.append(booted["elapsedMs"])
            modes.add(booted["report"]["mode"])
    if modes != {"snapshot"}:
        raise RuntimeError(f"boot bench: expected snapshot boots, got {modes}")
    cold, restore = p50(cold_ms[1:]), p50(edge_ms[1:])
    details = {"restore_ms": round(restore), "cold_ms": round(cold), "rounds": ROUNDS}
    peer = "stock loadPyodide + import"
    return [Measure("boot.restore_over_cold", restore / cold, 0.2, peer, details=details)]


def copy_stock_pyodide(folder: Path) -> None:
    """Copy Pyodide as its package ships it: ours is trimmed, which helps a cold boot as well."""
    folder.mkdir()
    for name in PYODIDE_FILES:
        shutil.copy(ROOT / "node_modules" / "pyodide" / name, folder)
