"""vm.*: what a call of a task costs, what two VMs gain, and how soon one that hangs is replaced."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from .harness import Served, expect_equal, p50, p99, served, spread
from .report import Measure
from .vm_site import (
    HANGS,
    NO_PEER,
    SPARE,
    TIMEOUT_MS,
    call,
    calls,
    started,
    together,
    use_spare,
    use_vms,
    vm_site,
    vms,
)

CALLS: Final = 200
CALL_ROUNDS: Final = 5
PAIR_ROUNDS: Final = 7
NUMBERS: Final = 2_000_000
# The other task is called while the first one hangs.
CALLED_AFTER_MS: Final = 100


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure calls, pairs and hangs."""
    site = vm_site(folder)
    with served(site, isolated=True) as server:
        return [
            *overheads(browser, server),
            parallel_speedup(browser, server),
            recover_ms(browser, server),
        ]


def overheads(browser: Browser, server: Served) -> list[Measure]:
    """Call a task that does nothing, in a VM and beside the core, in turns."""
    order = call("nothing")
    found: dict[str, list[list[dict[str, Any]]]] = {"vm": [], "inline": []}
    with started(browser, server, vms=1) as remote, started(browser, server, vms=0) as inline:
        pages = {"vm": remote, "inline": inline}
        for _ in range(CALL_ROUNDS + 1):
            for name, page in pages.items():
                found[name].append(calls(page, order, CALLS))
        expect_equal(
            "where tasks run", ["workers", "inline"], [vms(p)["mode"] for p in pages.values()]
        )
    return [
        overhead("vm.task_call_overhead_us", found["vm"][1:]),
        overhead("vm.inline_call_overhead_us", found["inline"][1:]),
    ]


def overhead(key: str, rounds: Sequence[Sequence[dict[str, Any]]]) -> Measure:
    """Return a call's median on the page, and what of it was spent inside the worker."""
    flat = [each for found in rounds for each in found]
    elapsed_us = [each["elapsedMs"] * 1_000 for each in flat]
    inside = {
        f"{part}_us": round(p50([each["timings"][f"{part}Ms"] for each in flat]) * 1_000)
        for part in ("total", "queued", "run")
    }
    details = {
        "rounds_us": spread([p50([each["elapsedMs"] * 1_000 for each in one]) for one in rounds]),
        "p99_us": round(p99(elapsed_us)),
        **{f"inside_{name}": value for name, value in inside.items()},
        "calls": len(flat),
    }
    return Measure(key, p50(elapsed_us), None, NO_PEER, details=details)


def parallel_speedup(browser: Browser, server: Served) -> Measure:
    """Compute two things at once on one VM and on two, in turns, all of them warm."""
    times_ms: dict[int, list[float]] = {1: [], 2: []}
    with started(browser, server, vms=1) as one, started(browser, server, vms=2) as two:
        pages = {1: one, 2: two}
        for count, page in pages.items():
            use_vms(page, count)
        for _ in range(PAIR_ROUNDS):
            for count, page in pages.items():
                times_ms[count].append(pair_ms(page))
        expect_equal("VMs", [1, 2], [vms(page)["ready"] for page in pages.values()])
    ratios = [one / two for one, two in zip(*times_ms.values(), strict=True)]
    details = {"one_vm_ms": round(p50(times_ms[1])), "two_vms_ms": round(p50(times_ms[2]))}
    details |= {"rounds": spread(ratios)}
    value = p50(times_ms[1]) / p50(times_ms[2])
    return Measure("vm.parallel_speedup", value, 1.6, "itself, one VM", "higher", details)


def pair_ms(page: Page) -> float:
    """Return the time of two calls that compute."""
    found = together(page, [call("computing", count=NUMBERS)] * 2)
    expect_equal("results of a pair", 1, len(set(found["values"])))
    return float(found["elapsedMs"])


def recover_ms(browser: Browser, server: Served) -> Measure:
    """Let the only VM hang in C code: from that run's deadline to another task's result."""
    with started(browser, server, vms=1) as page:
        times_ms = [hang_ms(page, number) for number in range(1, HANGS + 1)]
        start_ms = vms(page)["startMs"]
    with started(browser, server, vms=1, config=f"/{SPARE}") as page:
        spares_ms = [hang_ms(page, number, spare=1) for number in range(1, HANGS + 1)]
    details = {
        "rounds_ms": spread(times_ms),
        "vm_start_ms": round(start_ms),
        "with_spare_ms": round(p50(spares_ms)),
        "its_rounds_ms": spread(spares_ms),
    }
    return Measure("vm.recover_ms", p50(times_ms), 1_000, NO_PEER, details=details)


def hang_ms(page: Page, number: int, spare: int = 0) -> float:
    """Let the VM hang for the ``number``-th time, with ``spare`` more of them up."""
    use_vms(page, 1)
    use_spare(page, spare)
    order = [call(f"hanging{number}"), TIMEOUT_MS, call("nothing"), CALLED_AFTER_MS]
    found = page.evaluate("(order) => vmBench.recover(...order)", order)
    expect_equal("end of a task that hangs", "task-timeout", found["hung"])
    expect_equal("VMs that were killed", number, vms(page)["killed"])
    return float(found["elapsedMs"])
