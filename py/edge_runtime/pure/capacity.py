"""How much of a device inference takes: threads, workers side by side, memory."""

import math
from typing import Final

from .device import DeviceFacts

MOST_THREADS: Final = 4
MOST_LANES: Final = 4
GIB: Final = 2**30
MIB: Final = 2**20

# Where a browser does not tell: a small notebook, a small phone.
_ASSUMED_GB: Final = 4.0
_ASSUMED_MOBILE_GB: Final = 2.0
_BUDGET_SHARE: Final = 8
_LEAST_BUDGET_BYTES: Final = 64 * MIB
_MOST_BUDGET_BYTES: Final = GIB
# A WebKit page on a phone is reloaded at a limit that nobody tells and that others hit early.
_WEBKIT_MOBILE_BUDGET_BYTES: Final = 192 * MIB
# Before it, WebKit cannot hand shared memory to the pool's workers.
_WEBKIT_THREADS_SINCE: Final = 17


def memory_gb(facts: DeviceFacts) -> float:
    """Return gigabytes as told, which many browsers do up to 8; unknown is 4, on a phone 2."""
    return facts.memory_gb or (_ASSUMED_MOBILE_GB if facts.mobile else _ASSUMED_GB)


def thread_count(facts: DeviceFacts) -> int:
    """Return the threads of one wasm lane: half the cores, 4 at most, 1 without isolation.

    WebKit gets 1 on phones, where pools of threads run out of memory, and in old versions.
    """
    if not facts.isolated:
        return 1
    if facts.engine == "webkit" and (facts.mobile or facts.major_version < _WEBKIT_THREADS_SINCE):
        return 1
    return min(MOST_THREADS, math.ceil(facts.cores / 2))


def wasm_lanes(facts: DeviceFacts, configured: int | None = None) -> int:
    """Return how many wasm workers run models side by side.

    Args:
        facts: The device.
        configured: What the site asks for, taken within 1 to 4; None leaves it to the device:
            2, but 1 below 4 cores, below 4 GB, and where two would want more threads than cores.
    """
    if configured is not None:
        return max(1, min(MOST_LANES, configured))
    if facts.cores < 4 or memory_gb(facts) < 4:
        return 1
    return max(1, min(2, facts.cores // thread_count(facts)))


def memory_budget_bytes(facts: DeviceFacts, configured: int | None = None) -> int:
    """Return the bytes that open sessions may take together.

    An eighth of :func:`memory_gb`, from 64 MiB to 1 GiB: 1 GiB on a desktop that tells 8 GB,
    512 MiB where nothing is told, 256 MiB on a phone that tells nothing, 192 MiB on WebKit's.

    Args:
        facts: The device.
        configured: What the site sets, taken as it is; None, or nothing above 0, is the formula.
    """
    if configured is not None and configured > 0:
        return configured
    share = int(memory_gb(facts) * GIB / _BUDGET_SHARE)
    budget = max(_LEAST_BUDGET_BYTES, min(_MOST_BUDGET_BYTES, share))
    if facts.engine == "webkit" and facts.mobile:
        return min(budget, _WEBKIT_MOBILE_BUDGET_BYTES)
    return budget
