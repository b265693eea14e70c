"""A site with tasks that do nothing, compute or hang, and how the VMs' figures use it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.bundle import bundle_worker
from tests.browser.site import SYSTEM, Task

from .harness import ASSETS, Served, fresh_page
from .sites import plain_site

NOTHING: Final = "async def run(ctx, activation):\n    return None\n"
HANGING: Final = "async def run(ctx, activation):\n    return sum(range(10**10))\n"
COMPUTING: Final = """
async def run(ctx, activation):
    total = 0
    for number in range(activation.ext_data["count"]):
        total += number * number % 7
    return total
"""
HANGS: Final = 5
TIMEOUT_MS: Final = 500
LONG_MS: Final = 120_000
WARM_NUMBERS: Final = 200_000
WARMING_S: Final = 120
SPARE_POLL_MS: Final = 200
SPARE: Final = "spare.json"
SCRIPTS: Final = ("/edge/edge.js", "/vm.js")
START: Final = """(options) =>
  EdgeAI.start({ config: "/config.json", capture: false, ...options }).then(() => 0)"""
NO_PEER: Final = "none (absolute)"


def vm_site(folder: Path, config: Mapping[str, Any] | None = None) -> Path:
    """Write the site, with ``config`` instead of its own keys.

    It keeps no spare VM, unless it is started with ``spare.json``.
    """
    tasks = [
        Task("Nothing", "nothing", NOTHING, {"timeout_ms": LONG_MS}),
        Task("Computing", "computing", COMPUTING, {"timeout_ms": LONG_MS}),
        # One for each round: a task that costs three VMs is not called any more.
        *(
            Task(f"Hanging{number}", f"hanging{number}", HANGING, {"timeout_ms": TIMEOUT_MS})
            for number in range(1, HANGS + 1)
        ),
    ]
    config = {"container": {"spare": False}, **(config or {})}
    site = plain_site(folder, tasks=tasks, config=config, scripts=SCRIPTS)
    # The page starts VMs by itself, too: its script is bundled as the runtime's are.
    bundle_worker(ASSETS / "vm.js", site)
    plain = json.loads((site / "config.json").read_text())
    (site / SPARE).write_text(json.dumps({**plain, "container": {"spare": True}}))
    return site


def call(business: str, **extra: Any) -> dict[str, Any]:
    """Return a call of a task."""
    return {"systemCode": SYSTEM, "businessCode": business, "extData": extra}


@contextmanager
def started(browser: Browser, server: Served, **options: Any) -> Iterator[Page]:
    """Open a page with storage of its own, on which the runtime has started with ``options``."""
    with fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate(START, options)
        yield page


def calls(page: Page, order: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Call one time after the other: ``elapsedMs`` on the page, ``value``, ``timings``."""
    return list(page.evaluate("(order) => vmBench.calls(...order)", [order, count]))


def together(page: Page, orders: list[dict[str, Any]]) -> dict[str, Any]:
    """Call at once: ``elapsedMs`` until all have answered, and their ``values``."""
    return dict(page.evaluate("(orders) => vmBench.together(orders)", orders))


def vms(page: Page) -> dict[str, Any]:
    """Return what the runtime says of its VMs."""
    return dict(page.evaluate("() => EdgeAI.statistics()")["vms"])


def use_vms(page: Page, count: int) -> None:
    """Have ``count`` VMs up that have all run the computing task."""
    orders = [call("computing", count=WARM_NUMBERS)] * count
    wait_for(page, "ready", count, lambda: together(page, orders))
    for _ in range(2):
        together(page, orders)


def use_spare(page: Page, count: int) -> None:
    """Have ``count`` spare VMs up; the runtime starts one when it has time."""
    wait_for(page, "spare", count, lambda: page.wait_for_timeout(SPARE_POLL_MS))


def wait_for(page: Page, key: str, count: int, meanwhile: Callable[[], object]) -> None:
    """Do something until so many VMs are ``ready`` or ``spare``.

    Raises:
        RuntimeError: They do not come.
    """
    deadline_s = time.monotonic() + WARMING_S
    while vms(page)[key] != count:
        meanwhile()
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"VM bench: expected {count} VMs {key}, got {vms(page)}")
