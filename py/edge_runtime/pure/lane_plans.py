"""Which lane a model runs in, what has to leave memory, and how long an answer is waited for."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MIB: Final = 2**20

UNKNOWN_FILE_BYTES: Final = 16 * MIB
"""What is reckoned for a file whose size is not known yet."""

FIRST_GRACE_MS: Final = 250
"""How long an answer that nobody wants any more may still come; a lane is worth that much."""

_IDLE_HEAP_BYTES: Final = 48 * MIB
_HIGH_WATER_SHARE: Final = 0.75


class LaneLoad(NamedTuple):
    """A lane: requests that wait or run there; whether the model is open, or about to be."""

    name: str
    load: int
    is_open: bool
    is_opening: bool = False


class Assigned(NamedTuple):
    """The lane to run in, and one where the model should be opened for next time, if any."""

    lane: str
    spare: str | None


class SessionSize(NamedTuple):
    """An open session: what it takes, when it was used last, whether it is in use now."""

    name: str
    size_bytes: int
    used_ms: float
    is_used: bool


def assign(lanes: Sequence[LaneLoad]) -> Assigned:
    """Return where a run goes: the shortest line before an open session, else the emptiest lane.

    Where none is open yet but one is being opened, runs share that opening. A run that would wait
    although a lane is idle has the model opened there; it does not wait for that, which may take
    longer than its turn.
    """
    holders = [lane for lane in lanes if lane.is_open]
    holders = holders or [lane for lane in lanes if lane.is_opening]
    emptiest = min(lanes, key=lambda lane: lane.load)
    if not holders:
        return Assigned(emptiest.name, None)
    shortest = min(holders, key=lambda lane: lane.load)
    busy = [*holders, *(lane for lane in lanes if lane.is_opening or lane.load)]
    idle = [lane.name for lane in lanes if lane not in busy]
    return Assigned(shortest.name, idle[0] if shortest.load and idle else None)


def predicted_bytes(file_bytes: int | None) -> int:
    """Return what a session will take: its weights, unpacked once more while it is opened."""
    return 2 * (UNKNOWN_FILE_BYTES if file_bytes is None else file_bytes)


def to_evict(sessions: Iterable[SessionSize], needed_bytes: int, budget_bytes: int) -> list[str]:
    """Return the sessions to release so that ``needed_bytes`` fit, least recently used first.

    Those in use stay, so that it may not be enough: what has to run is run all the same.
    """
    known = list(sessions)
    free_bytes = budget_bytes - needed_bytes - sum(each.size_bytes for each in known)
    leaving: list[str] = []
    for each in sorted(known, key=lambda session: session.used_ms):
        if free_bytes >= 0:
            break
        if not each.is_used:
            leaving.append(each.name)
            free_bytes += each.size_bytes
    return leaving


def should_recycle(heap_bytes: int, live_bytes: int, budget_bytes: int) -> bool:
    """Say whether a lane is to be ended between two runs: memory of wasm grows and never shrinks.

    Args:
        heap_bytes: What the lane has taken.
        live_bytes: What its open sessions account for.
        budget_bytes: What all models may take.
    """
    high_water = max(_HIGH_WATER_SHARE * budget_bytes, 2 * live_bytes + _IDLE_HEAP_BYTES)
    return heap_bytes > high_water


def patience_ms(elapsed_ms: float, usual_ms: float | None, reopen_ms: float) -> float:
    """Return how long to wait for an answer that nobody wants any more, before its lane is ended.

    An answer that is due sooner than a new lane would be open is waited for, up to three times
    as long as usual. All others get a moment.

    Args:
        elapsed_ms: How long the run has gone on.
        usual_ms: Median of the model's runs there; None before the first.
        reopen_ms: What it took to open what the lane holds.
    """
    if usual_ms is not None and elapsed_ms <= usual_ms and usual_ms - elapsed_ms <= reopen_ms:
        return max(FIRST_GRACE_MS, 3 * usual_ms - elapsed_ms)
    return FIRST_GRACE_MS


def lane_names(key: str, threads: int, usual_threads: int, count: int) -> list[str]:
    """Return the lanes of a backend: ``wasm`` has several, and one more set for other threads."""
    if key != "wasm":
        return [key]
    base = key if threads == usual_threads else f"{key}-{threads}t"
    return [base, *(f"{base}-{number}" for number in range(2, count + 1))]
