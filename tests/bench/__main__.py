"""``make bench``: run every benchmark, print the table, write ``bench-results/latest.json``.

Names of benchmarks as arguments run these only.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from web_runtime.browser import launch_options

from . import (
    boot,
    e2e,
    infer_lanes,
    infer_memory,
    infer_opening,
    infer_transformers,
    inference,
    loop,
    page,
    sched,
    store,
    transfer,
    triggers,
    vm,
)
from .harness import ROOT
from .report import print_table, write_json

RESULTS = ROOT / "bench-results" / "latest.json"
BENCHES = {
    "page": page,
    "boot": boot,
    "inference": inference,
    "lanes": infer_lanes,
    "opening": infer_opening,
    "memory": infer_memory,
    "transformers": infer_transformers,
    "transfer": transfer,
    "store": store,
    "triggers": triggers,
    "sched": sched,
    "loop": loop,
    "vm": vm,
    "e2e": e2e,
}


def main() -> None:
    """Run the named benchmarks, or all, one after the other in one browser."""
    names = named_benches()
    console = Console(width=150)
    measures = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        version = f"Chromium {browser.version}"
        for name in names:
            console.print(f"measuring {name} …")
            measures += BENCHES[name].measure(browser, Path(folder) / name)
        browser.close()
    print_table(measures, console)
    write_json(measures, RESULTS, browser=version)
    console.print(f"{version}; written to {RESULTS.relative_to(ROOT)}")


def named_benches() -> list[str]:
    """Return the names on the command line, all without any."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure beside named peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    names = parser.parse_args().names
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"expected names of {', '.join(BENCHES)}, got {', '.join(unknown)}.")
    return names or list(BENCHES)


if __name__ == "__main__":
    main()
