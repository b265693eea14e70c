"""`web-runtime run`: a task under CPython, on the real core with the real models."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_runtime.errors import EdgeError
from edge_runtime.host.native import create_native_host
from edge_runtime.testing.trace_lines import parse_trace
from edge_runtime.types import JsonValue

from ..errors import ToolError
from ..pack import read_task_toml
from ..replay import read_text
from .run_input import read_activations, read_events
from .run_trace import first_now_ms, play
from .site import Site
from .stage import Ended, Stage, event_row
from .trace_clock import TraceClock

Tell = Callable[[str], None]
_EMPTY = Site(Path("config.json"), {})


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a task is run on: one of the three; none of them is one empty activation.

    Attributes:
        activation: JSON file of one ``extData`` or a list of them.
        event: JSON file of one event or a list of them.
        trace: A recorded trace, JSON lines.
    """

    activation: Path | None = None
    event: Path | None = None
    trace: Path | None = None


def run_task(
    folder: Path,
    given: RunInput,
    site: Site | None = None,
    *,
    tell: Tell = lambda line: None,
    done: Callable[[Ended], None] = lambda ended: None,
) -> list[Ended]:
    """Run the task in ``folder``, one run after the other, and return how each ended.

    Args:
        folder: What ``web-runtime pack`` takes.
        given: What it is run on.
        site: Models, triggers, rules and other tasks; None: there are none.
        tell: Gets what is told beside the results: log lines, tracebacks, times, problems.
        done: Gets each run when it has ended.

    Raises:
        ToolError: More than one input, or one that cannot be read.
        EdgeError: The task cannot be loaded, or the input is none that a page could send.
    """
    if sum(each is not None for each in (given.activation, given.event, given.trace)) > 1:
        expected = "at most one of --activation, --event and --trace"
        raise ToolError(f"run: expected {expected}, got more. Run the task once for each.")
    if given.trace is not None and site is None:
        raise ToolError("run --trace: expected --config, got none. Its triggers say what is run.")

    async def collect() -> list[Ended]:
        every: list[Ended] = []
        async with aclosing(_runs(folder, given, site or _EMPTY, tell)) as runs:
            async for each in runs:
                _tell_end(each, tell)
                done(each)
                every.append(each)
        return every

    # What the task prints stands beside the results, never among them.
    with contextlib.redirect_stdout(sys.stderr):
        return asyncio.run(collect())


async def _runs(
    folder: Path, given: RunInput, site: Site, tell: Tell
) -> AsyncGenerator[Ended, None]:
    if given.trace is not None:
        records = parse_trace(read_text(given.trace))
        clock = TraceClock(create_native_host().clock, first_now_ms(records))
        async with _stage(folder, site, tell, clock) as stage:
            async for each in play(stage, records, clock, tell):
                yield each
    elif given.event is not None:
        events = read_events(given.event)
        async with _stage(folder, _triggered(folder, site, events), tell) as stage:
            for event in events:
                for each in await stage.track(event):
                    yield each
    else:
        activations = [{}] if given.activation is None else read_activations(given.activation)
        async with _stage(folder, site, tell) as stage:
            for ext_data in activations:
                yield await stage.call(ext_data)


@contextlib.asynccontextmanager
async def _stage(
    folder: Path, site: Site, tell: Tell, clock: TraceClock | None = None
) -> AsyncIterator[Stage]:
    root = site.path.parent.resolve()
    host = create_native_host(root=root)
    if clock is not None:
        host = replace(host, clock=clock)

    def notice(name: str, body: Mapping[str, JsonValue]) -> None:
        if name == "log":
            whose = f" ({body['runId']})" if "runId" in body else ""
            tell(f"{body['level']}: {body['message']}{whose}")

    base_url = (root / site.path.name).as_uri()
    stage = Stage(folder, host, site.plain, base_url=base_url, on_notice=notice)
    try:
        async with stage:
            for problem in stage.problems:
                tell(f"problem: {problem.message}")
            yield stage
    except EdgeError as error:
        _tell_traceback(error, tell)
        raise


def _triggered(folder: Path, site: Site, events: Sequence[Mapping[str, Any]]) -> Site:
    """Return the site with triggers that run the task on these events, and no others."""
    patterns = []
    for event in events:
        _, _, kind, page_id, click_id, pv, _ = event_row(event, "", 0)
        pattern = {"type": kind, "pageId": page_id}
        pattern |= {"needPv": True} if pv else {"clickIds": [click_id]}
        if pattern not in patterns:
            patterns.append(pattern)
    trigger = {"taskName": read_task_toml(folder).get("name"), "events": patterns}
    return replace(site, plain={**site.plain, "triggers": [trigger] if patterns else []})


def _tell_end(ended: Ended, tell: Tell) -> None:
    if ended.error is not None:
        tell(f"{ended.run_id}: {ended.error.message}")
        _tell_traceback(ended.error, tell)
    elif ended.timings is not None:
        times = ended.timings
        inference = f", {times.infer_ms:.1f} of them inference" if times.infer_ms else ""
        tell(f"{ended.run_id}: {times.run_ms:.1f} ms{inference}")


def _tell_traceback(error: EdgeError, tell: Tell) -> None:
    trace = error.details.get("traceback")
    if isinstance(trace, str):
        tell(trace.rstrip())
