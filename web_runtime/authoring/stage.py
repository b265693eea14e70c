"""One task on a runtime of its own under CPython: what runs it, and what its tests run it on."""

import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from edge_runtime.config import Config, parse_config
from edge_runtime.errors import EdgeError, error_from_dict
from edge_runtime.host.ports import Host
from edge_runtime.pure.events import check_row
from edge_runtime.pure.requests import InferRequest
from edge_runtime.runtime import Runtime
from edge_runtime.types import JsonValue, Timings

from ..pack import pack_with_wheels, read_task_toml
from .stage_ports import BUNDLE, ListeningPage, OnNotice, RunsHeard, WithBundle

LIFE: Final = "run"
"""Names the runtime, so that calls have the ids ``run-1``, ``run-2`` …, every time."""


_SNAKE: Final = {
    "queuedMs": "queued_ms",
    "runMs": "run_ms",
    "inferMs": "infer_ms",
    "laneMs": "lane_ms",
    "totalMs": "total_ms",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run of the task ended: ``value``, what a page would get, or ``error``."""

    run_id: str
    value: JsonValue = None
    error: EdgeError | None = None
    timings: Timings | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        """Return id and value, or id and error, as a page gets them.

        Without the traceback, which each version of Python words in its own way.
        """
        if self.error is not None:
            error = self.error.to_dict()
            details = {k: v for k, v in self.error.details.items() if k != "traceback"}
            return {"runId": self.run_id, "error": {**error, "details": details}}
        return {"runId": self.run_id, "value": self.value}


class Stage:
    """The real core with one task, on any host.

    ::

        async with Stage(folder, create_fake_host()) as stage:
            await stage.track({"type": "mta", "pageId": "Home", "pv": True})
            assert (await stage.infer({"page": "Home"})) == {"views": 1}

    Args:
        folder: The task's.
        host: The outside: a fake one, or ``create_native_host()`` with real models.
        config: A configuration with what the task needs, its own bundle apart.
        base_url: Where that configuration lies.
        on_notice: Gets every notice for the page, such as ``log``.

    Attributes:
        problems: What is missing although the task runs, after the start.
        runtime: The core.
    """

    def __init__(
        self,
        folder: Path,
        host: Host,
        config: Mapping[str, Any] | None = None,
        *,
        base_url: str = "https://task.test/config.json",
        on_notice: OnNotice | None = None,
    ) -> None:
        toml = read_task_toml(folder)
        bundle, wheels = pack_with_wheels(folder)
        self.name: str = toml["name"]
        self.codes: tuple[str, str] = toml["system_code"], toml["business_code"]
        self.problems: list[EdgeError] = []
        self._runs = RunsHeard(self.name)
        host = replace(
            host,
            network=WithBundle(host.network, bundle, wheels),
            page=ListeningPage(host.page, self._heard, on_notice),
        )
        parsed = staged_config(config or {})
        self.runtime = Runtime(host, parsed, base_url, journal=self._runs, life=LIFE)
        self._ended: dict[str, Ended] = {}
        self._clock = host.clock
        self._calls = 0
        self._event_ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            EdgeError: The task cannot be loaded.
        """
        problems = await self.runtime.start()
        # The configuration lists the same task, as it was packed last.
        taken = {"taskName": self.name, "codes": "/".join(self.codes)}
        self.problems = [each for each in problems if each.details != taken]
        if self.name not in self.runtime.statistics()["tasks"]:
            await self.runtime.stop()
            raise next((each for each in problems if self._is_own(each)), problems[0])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.runtime.stop()

    async def infer(self, ext_data: Mapping[str, JsonValue] | None = None) -> JsonValue:
        """Run the task as a page's ``infer`` does and return its value.

        Raises:
            EdgeError: What the page would get.
        """
        ended = await self.call(ext_data or {})
        if ended.error is not None:
            raise ended.error
        return ended.value

    async def call(self, ext_data: Mapping[str, JsonValue]) -> Ended:
        """Run the task as a page's ``infer`` does; an error is told, not raised."""
        self._calls += 1
        request = InferRequest(self._calls, *self.codes, ext_data=ext_data)
        started = len(self._runs.started)
        try:
            result = await self.runtime.infer(request)
        except EdgeError as error:
            own = self._runs.started[started:]
            return Ended(own[0] if own else f"{LIFE}-{self._calls}", error=error)
        return Ended(result.run_id, result.value, timings=result.timings)

    async def track(self, *events: Mapping[str, Any]) -> list[Ended]:
        """Track events and return how the runs ended that they asked for, in order.

        Args:
            events: ``type``, ``pageId``, and where they matter ``clickId``, ``pv``, ``props``,
                ``ts`` and ``id``, as the page's ``track`` takes them.

        Raises:
            ConfigError: ``argument-invalid``: a page's event would be dropped.
        """
        now_ms = self._clock.now_ms()
        rows = [event_row(event, f"e{next(self._event_ids)}", now_ms) for event in events]
        return await self.track_rows(f"[{','.join(map(check_row, rows))}]")

    async def track_rows(self, rows_json: str) -> list[Ended]:
        """Track rows as a page sends them and return how the task's runs ended, in order."""
        started = len(self._runs.started)
        self.runtime.track(rows_json)
        await self._runs.settled()
        return [self._ended[run] for run in self._runs.started[started:] if run in self._ended]

    def _is_own(self, problem: EdgeError) -> bool:
        details = problem.details
        return details.get("bundle") == BUNDLE or details.get("taskName") == self.name

    def _heard(self, name: str, body: Mapping[str, JsonValue]) -> None:
        if body.get("taskName") != self.name:
            return
        run_id = str(body.get("runId"))
        if name == "result":
            times = {_SNAKE[name]: value for name, value in body["timings"].items()}
            self._ended[run_id] = Ended(run_id, body["value"], timings=Timings(**times))
        elif name == "error":
            self._ended[run_id] = Ended(run_id, error=error_from_dict(body["error"]))


def event_row(event: Mapping[str, Any], event_id: str, now_ms: float) -> list[JsonValue]:
    """Return an event as the row a page sends; without a click it is a view.

    ``event_id`` and ``now_ms`` (Unix) stand where it has no ``id`` and ``ts``.
    """
    click = event.get("clickId")
    return [
        event.get("id", event_id),
        event.get("ts", now_ms),
        event.get("type", "mta"),
        event.get("pageId"),
        click,
        int(event.get("pv", click is None)),
        event.get("props", {}),
    ]


def staged_config(plain: Mapping[str, Any]) -> Config:
    """Return a configuration in which the task's own bundle comes first and runs unsigned.

    Nothing is measured beside the runs, and no breaker stands in their way: the same runs are to
    give the same results.

    Raises:
        ConfigError: ``config-invalid``.
    """
    config = parse_config(
        {
            **plain,
            "bundles": [BUNDLE, *plain.get("bundles", [])],
            "vms": 0,
            "trust": {**plain.get("trust", {}), "unsigned": True},
            "inference": {**plain.get("inference", {}), "measure": False},
        }
    )
    breaker = replace(config.scheduler.breaker, min_calls=sys.maxsize)
    return replace(config, scheduler=replace(config.scheduler, breaker=breaker))
