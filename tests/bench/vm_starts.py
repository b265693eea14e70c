"""vm.restore_over_cold and vm.memory_mb: what a VM takes to start, and of the device's memory."""

import json
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from web_runtime.browser import launch_options
from web_runtime.serve_files import PrecompressedFiles

from .harness import DIST, Served, expect_equal, fresh_page, p50, served, spread
from .process_memory import pressed_renderer_bytes
from .report import Measure
from .vm_site import NO_PEER, started, use_vms, vm_site, vms

ROUNDS: Final = 5
MOST_VMS: Final = 3
MIB: Final = 2**20
# What a start leaves behind is collected late, and not where a page could ask for it.
WEIGHINGS: Final = 3
COLD: Final = "/cold"


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Start VMs both ways in turns, then weigh a page with more and more of them."""
    site = vm_site(folder)
    return [restore_over_cold(browser, site), *memory(browser, site)]


def restore_over_cold(browser: Browser, site: Path) -> Measure:
    """Compare a VM's start from the snapshot with one where there is no snapshot to be had.

    The first round fills the caches and is dropped.
    """
    assets = json.loads((DIST / "manifest.json").read_text())["assets"]
    without = [
        Route(f"{COLD}/{assets['snapshot']}", missing),
        Mount(COLD, PrecompressedFiles(DIST, hashed_names=True)),
    ]
    times_ms: dict[str, list[float]] = {"/edge": [], COLD: []}
    with served(site, routes=without) as server, fresh_page(browser) as page:
        page.goto(server.url)
        for _ in range(ROUNDS + 1):
            for root, each in times_ms.items():
                url = f"{root}/{assets['vmWorker']}"
                each.append(page.evaluate("(url) => vmBench.startMs(url)", url))
        expect_cold(server, assets["core"])
    restores, colds = times_ms["/edge"][1:], times_ms[COLD][1:]
    details = {
        "restore_ms": round(p50(restores)),
        "cold_ms": round(p50(colds)),
        "rounds": spread([one / other for one, other in zip(restores, colds, strict=True)]),
    }
    value = p50(restores) / p50(colds)
    return Measure("vm.restore_over_cold", value, 0.15, "itself, cold", details=details)


async def missing(_request: Request) -> Response:
    """Answer as for a file that is not there."""
    return Response(status_code=404)


def expect_cold(server: Served, core: str) -> None:
    """Refuse times of other starts: only a cold one needs the core's archive."""
    sent = server.counter.bytes_by_path
    cold = [root for root in ("/edge", COLD) if sent.get(f"{root}/{core}")]
    expect_equal("folders of cold starts", [COLD], cold)


def memory(browser: Browser, site: Path) -> list[Measure]:
    """Return what a page's process takes more for its first VM, and for each further one."""
    with served(site, isolated=True) as server:
        sizes = [weigh(browser, server, count) for count in range(MOST_VMS + 1)]
    added = [(more - less) / MIB for less, more in zip(sizes, sizes[1:], strict=False)]
    details = {f"vm_{number}": round(each) for number, each in enumerate(added, 1)}
    details |= {"page_without": round(sizes[0] / MIB)}
    further = sum(added[1:]) / len(added[1:])
    return [
        Measure("vm.memory_mb", added[0], None, NO_PEER, details=details),
        Measure("vm.memory_further_mb", further, None, NO_PEER, details=details),
    ]


def weigh(browser: Browser, server: Served, count: int) -> int:
    """Return what a page takes with ``count`` VMs that have worked, in a browser of its own."""
    alone = browser.browser_type.launch(**launch_options())
    try:
        # None is started before a task runs.
        with started(alone, server, vms=max(count, 1)) as page:
            if count:
                use_vms(page, count)
            expect_equal("VMs that are weighed", count, vms(page)["ready"])
            return min(pressed_renderer_bytes(alone, page) for _ in range(WEIGHINGS))
    finally:
        alone.close()
