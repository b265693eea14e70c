"""``make bench``: run every benchmark, print the table, write ``bench-results/latest.json``."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from web_runtime.browser import launch_options

from . import boot, inference, page, transfer
from .harness import ROOT
from .report import print_table, write_json

RESULTS = ROOT / "bench-results" / "latest.json"


def main() -> None:
    """Run all benchmarks one after the other in one browser."""
    console = Console(width=150)
    measures = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        version = f"Chromium {browser.version}"
        for bench in (page, boot, inference, transfer):
            name = bench.__name__.rsplit(".", 1)[-1]
            console.print(f"measuring {name} …")
            measures += bench.measure(browser, Path(folder) / name)
        browser.close()
    print_table(measures, console)
    write_json(measures, RESULTS, browser=version)
    console.print(f"{version}; written to {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
