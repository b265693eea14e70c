"""Tasks that only take time: they behave as the runs of a trace did, without the tasks' code."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar

from ..bundle_writer import write_bundle
from ..errors import FAMILIES, NUMBERS, EdgeError
from ..host.ports import Clock
from ..pure.manifest import FileDigest, parse_manifest
from ..pure.manifest_fields import FORMAT
from ..task import Context
from ..types import Activation, JsonValue
from .trace_records import RecordedCall, RecordedRun

T = TypeVar("T")

_FILE: Final = "main.py"
_SOURCE: Final = b"""
from edge_runtime.testing.stand_ins import behave

async def run(ctx, activation):
    return await behave(ctx, activation)
"""
_TIE_MS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Script:
    """How runs behave.

    Attributes:
        clock: They sleep on it.
        runs: By task and run id, as a trace has them.
        calls: What runs call, by the same.
        default_run_ms: What a run takes of which nothing is known.
    """

    clock: Clock
    runs: Mapping[tuple[str, str], RecordedRun]
    calls: Mapping[tuple[str, str], Sequence[RecordedCall]]
    default_run_ms: float

    def of(self, activation: Activation) -> RecordedRun:
        """Return how a run behaves."""
        return _known(self.runs, activation) or RecordedRun(self.default_run_ms)

    def calls_of(self, activation: Activation) -> list[list[RecordedCall]]:
        """Return what a run calls: lists of calls that are under way together."""
        groups: list[list[RecordedCall]] = []
        for call in _known(self.calls, activation) or ():
            if groups and call.is_beside:
                groups[-1].append(call)
            else:
                groups.append([call])
        return groups


SCRIPT: Final[ContextVar[Script]] = ContextVar("script")


def stand_in_bundle(task: Mapping[str, JsonValue]) -> bytes:
    """Return a bundle with the manifest of ``task``, as a trace describes it.

    Raises:
        TrustError: ``bundle-invalid``: the description is no manifest's.
    """
    digest = FileDigest(hashlib.sha256(_SOURCE).hexdigest(), len(_SOURCE))
    files = {_FILE: {"sha256": digest.sha256, "bytes": digest.bytes}}
    code = {"format": FORMAT, "entry": "main:run", "code": "source", "files": files}
    code |= {"models": [], "packages": []}
    return write_bundle(parse_manifest({**task, **code}), {_FILE: _SOURCE})


async def behave(ctx: Context, activation: Activation) -> JsonValue:
    """Take the time of the run, call what it called, and end as it did.

    Raises:
        EdgeError: What the run ended with.
        RuntimeError: It ended with an exception of its own.
    """
    script = SCRIPT.get()
    run = script.of(activation)
    so_far_ms = -tie_break_ms(activation.run_id)
    for group in script.calls_of(activation):
        await _sleep(script.clock, group[0].offset_ms - so_far_ms, is_deaf=run.is_deaf)
        so_far_ms = group[0].offset_ms
        await _call_all(ctx, script.clock, group, is_deaf=run.is_deaf)
    if run.ended == "cancelled":
        await asyncio.get_running_loop().create_future()
    await _sleep(script.clock, run.own_ms - so_far_ms, is_deaf=run.is_deaf)
    if run.ended == "task-output-invalid":
        return object()
    if run.ended == "task-raised" or (run.ended != "ok" and run.ended not in NUMBERS):
        raise RuntimeError(f"as recorded: {run.ended}")
    if run.ended != "ok":
        raise FAMILIES[NUMBERS[run.ended] // 1000](run.ended, "as recorded")
    return None


def tie_break_ms(run_id: str) -> float:
    """Return less than a microsecond, by the run's id: no two runs end in the same instant.

    What two ends in one instant mean would depend on which is heard first.
    """
    digest = hashlib.sha256(run_id.encode()).digest()
    return _TIE_MS * (1 + int.from_bytes(digest[:4], "big")) / 2**32


async def _call_all(
    ctx: Context, clock: Clock, calls: Sequence[RecordedCall], *, is_deaf: bool
) -> None:
    """Make ``calls``, each a microsecond after the one before, and wait for all."""
    ends = [_call(ctx, clock, call.callee, n * _TIE_MS) for n, call in enumerate(calls)]
    try:
        await asyncio.gather(*ends)
    except asyncio.CancelledError:
        if not is_deaf:
            raise


async def _call(ctx: Context, clock: Clock, callee: str, delay_ms: float) -> None:
    if delay_ms:
        await clock.sleep_ms(delay_ms)
    # How the caller ended is recorded, whatever it made of this.
    with suppress(EdgeError):
        await ctx.call(callee)


def _known(found: Mapping[tuple[str, str], T], activation: Activation) -> T | None:
    task_name, run_id = activation.task_name, activation.run_id
    return found.get((task_name, run_id)) or found.get(("", run_id))


async def _sleep(clock: Clock, duration_ms: float, *, is_deaf: bool) -> None:
    until_ms = clock.monotonic_ms() + duration_ms
    while clock.monotonic_ms() < until_ms:
        try:
            await clock.sleep_ms(until_ms - clock.monotonic_ms())
        except asyncio.CancelledError:
            if not is_deaf:
                raise
