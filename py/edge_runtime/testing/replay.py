"""Plays a trace again: the same core on virtual time, its tasks replaced by stand-ins."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ..config import LIMITS, Config, Limits, TrustConfig
from ..errors import EdgeError, TrustError
from ..pure.requests import parse_infer_request
from ..runtime import Runtime
from ..types import JsonValue
from .decision_log import DecisionLog
from .manual_clock import START_MS
from .stand_ins import SCRIPT, Script, stand_in_bundle
from .trace_records import Record, described_tasks, recorded_calls, recorded_runs, recorded_tasks
from .virtual_device import VirtualDevice

_BASE: Final = "https://replay.test/"
# Nothing decides by what the store's keeper does; this often is often enough in a replay.
QUIET: Final = replace(LIMITS, keeper_ms=3_600_000, clean_ms=3_600_000)
_LONGEST_MS: Final = LIMITS.task_timeout_max_ms
_STEP_MS: Final = 1_000.0


class Replay:
    """One trace, played once.

    Args:
        records: As :func:`edge_runtime.testing.trace_lines.parse_trace` returns them.
        config: The site's configuration; its bundles are not needed.
        tasks: Descriptions of tasks, as in ``start`` lines, for those the trace does not describe.
        seed: Order of ready callbacks; no order changes what is decided.
        default_run_ms: What a run takes of which the trace says nothing.
        limits: The store's.

    Attributes:
        log: What was decided.
        problems: What the last start complained of.
    """

    def __init__(
        self,
        records: Sequence[Record],
        config: Config,
        *,
        tasks: Sequence[Mapping[str, JsonValue]] = (),
        seed: int | None = None,
        default_run_ms: float = 10.0,
        limits: Limits = QUIET,
    ) -> None:
        starts = [each.fields["nowMs"] for each in records if each.kind == "start"]
        self._records = records
        self._device = VirtualDevice(seed, starts[0] if starts else START_MS)
        self._limits = limits
        self._runs, self._nested = recorded_runs(records), recorded_calls(records)
        self._default_run_ms = default_run_ms
        self._config = self._with_stand_ins(config, [*recorded_tasks(records), *tasks])
        self._runtime: Runtime | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self.log = DecisionLog(lambda: self._device.loop.now_ms)
        self.problems: list[EdgeError] = []

    def run(self) -> DecisionLog:
        """Play it to its end; return the log."""
        for _ in self.steps():
            pass
        return self.log

    def steps(self) -> Iterator[float]:
        """Yield the time of the next record, in milliseconds, before it is played."""
        if not self._records or self._records[0].kind != "start":
            self._start()
        for record in self._records:
            yield record.at_ms
            self._device.rest(record.at_ms)
            self._play(record)
        self._finish()

    def _play(self, record: Record) -> None:
        if record.kind in ("start", "reload"):
            self._start(record.fields.get("life", ""))
        elif record.kind == "clock":
            self._device.clock.set_now(record.fields["nowMs"])
        elif record.kind == "tasks":
            self._exchange(record.fields["tasks"])
        elif record.kind == "stop":
            self._stop()
        elif self._runtime is not None and record.kind in _INPUTS:
            act = getattr(self, f"_{record.kind}")
            self._device.do(partial(act, self._runtime, record.fields))

    def _start(self, life: str = "") -> None:
        """Begin a life, under its recorded name; one that goes on already ends without a word."""
        if self._runtime is not None:
            self._device.reload(self._runtime.stop)
            self.log.died()
        script = Script(self._device.clock, self._runs, self._nested, self._default_run_ms)
        self._device.context.run(SCRIPT.set, script)
        host = self._device.host()
        journal = self._device.journal(self.log)
        runtime = Runtime(
            host, self._config, _BASE, journal=journal, limits=self._limits, life=life
        )
        self.problems = self._device.wait_for(runtime.start())
        self._runtime = runtime
        self._device.do(runtime.take_up)

    def _exchange(self, tasks: Sequence[Mapping[str, JsonValue]]) -> None:
        """Let other versions of tasks stand in from now on."""
        for task in tasks:
            self._device.files[f"{_BASE}{task['name']}.edge"] = stand_in_bundle(task)
        if self._runtime is not None:
            self._device.wait_for(self._runtime.reload())

    def _stop(self) -> None:
        if self._runtime is not None:
            self._device.wait_for(self._runtime.stop())
            self._runtime = None
            self.log.died()

    def _finish(self) -> None:
        """Let what is under way end, then stop; what waits in a paused runtime stays."""
        last_ms = self._device.loop.now_ms + 2 * _LONGEST_MS
        while self.log.waiting or self.log.running:
            if self._device.loop.now_ms >= last_ms:
                break
            self._device.rest(self._device.loop.now_ms + _STEP_MS)
        self._stop()

    def _track(self, runtime: Runtime, fields: Mapping[str, Any]) -> None:
        events = fields["events"]
        text = events if isinstance(events, str) else json.dumps(events)
        runtime.track(text, fields.get("client", ""))

    def _infer(self, runtime: Runtime, fields: Mapping[str, Any]) -> None:
        call = asyncio.get_running_loop().create_task(self._answered(runtime, fields))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _answered(self, runtime: Runtime, fields: Mapping[str, Any]) -> None:
        ended = "ok"
        try:
            await runtime.infer(parse_infer_request(fields))
        except EdgeError as error:
            ended = error.code
        self.log.note("answer", callId=fields["callId"], ended=ended)

    def _cancel(self, runtime: Runtime, fields: Mapping[str, Any]) -> None:
        runtime.cancel(fields["callId"])

    def _pause(self, runtime: Runtime, _fields: Mapping[str, Any]) -> None:
        runtime.pause()

    def _resume(self, runtime: Runtime, _fields: Mapping[str, Any]) -> None:
        runtime.resume()

    def _reconfigure(self, runtime: Runtime, fields: Mapping[str, Any]) -> None:
        runtime.reconfigure(fields["config"])
        self.log.note("reconfigured", ended="ok")

    def _with_stand_ins(self, config: Config, tasks: Sequence[Mapping[str, JsonValue]]) -> Config:
        described = {task["name"]: task for task in reversed(tasks)}
        callees = [call.callee for calls in self._nested.values() for call in calls]
        for name in [*(trigger.task_name for trigger in config.triggers), *callees]:
            described.setdefault(name, _default_task(name, "replay", name))
        everyone = [*described.values(), *described_tasks(self._records)]
        codes = {(task["systemCode"], task["businessCode"]) for task in everyone}
        for system, business in sorted(_called(self._records) - codes):
            name = "Called-" + re.sub(r"[^A-Za-z0-9_-]", "-", business)[:50]
            described.setdefault(name, _default_task(name, system, business))
        for name, task in described.items():
            # What no task can be called, or be asked for by, is unknown here as it was there.
            with suppress(TrustError):
                self._device.files[f"{_BASE}{name}.edge"] = stand_in_bundle(task)
        trust = TrustConfig(unsigned=True)
        return replace(config, bundles=tuple(self._device.files), models={}, trust=trust)


_INPUTS: Final = ("track", "infer", "cancel", "pause", "resume", "reconfigure")


def _called(records: Sequence[Record]) -> set[tuple[str, str]]:
    calls = [each.fields for each in records if each.kind == "infer"]
    return {(call["systemCode"], call["businessCode"]) for call in calls}


def _default_task(name: str, system_code: str, business_code: str) -> dict[str, JsonValue]:
    codes = {"systemCode": system_code, "businessCode": business_code}
    timeout_ms = LIMITS.task_timeout_ms
    return {"name": name, "version": "0", **codes, "priority": "regular", "timeoutMs": timeout_ms}
