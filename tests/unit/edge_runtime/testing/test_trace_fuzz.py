"""Traces with anything in them: refused with the line, or played to their end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.errors import ConfigError
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.trace_lines import LONGEST_MS, parse_trace
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

Plain = dict[str, Any]
Place = tuple[int | str, ...]

NOW_MS = 1_700_000_000_000
CONFIG: Plain = {
    "scheduler": {"maxRunning": 2, "breaker": {"minCalls": 2, "openMs": 100}},
    "triggers": [
        {"taskName": name, "events": [{"type": "mta", "pageId": "Home", "clickIds": [name]}]}
        for name in ("Rank", "Warm", "no task's name")
    ],
}


def task(name: str, **more: Any) -> Plain:
    codes = {"systemCode": "demo", "businessCode": name}
    return {"name": name, "version": "1", **codes, "priority": "low", "timeoutMs": 500, **more}


def click(at_ms: float, name: str) -> Plain:
    row = [f"e{at_ms}", NOW_MS + at_ms, "mta", "Home", name, 0, {"n": 1}]
    return {"atMs": at_ms, "kind": "track", "events": [row], "client": "tab"}


LINES: list[Plain] = [
    {
        "atMs": 0, "kind": "start", "nowMs": NOW_MS, "life": "a",
        "tasks": [
            task("Rank", supersede="latest", fallback={"value": {"n": [1]}}),
            task("Warm", supersede="join", fallback={"task": "Rank"}),
        ],
    },
    click(0, "Rank"),
    {"atMs": 0, "kind": "run", "task": "Rank", "runId": "Rank-e0", "runMs": 90, "ownMs": 50,
     "ended": "task-raised", "deaf": True},
    {"atMs": 1, "kind": "call", "task": "Rank", "runId": "Rank-e0", "callee": "Warm",
     "offsetMs": 5, "beside": True},
    {"atMs": 2, "kind": "infer", "callId": 1, "systemCode": "demo", "businessCode": "Warm",
     "priority": "core", "timeoutMs": 300, "supersedeKey": "k"},
    {"atMs": 3, "kind": "cancel", "callId": 1},
    {"atMs": 4, "kind": "pause"},
    click(5, "Warm"),
    {"atMs": 5, "kind": "run", "runId": "Warm-e5", "runMs": 9_000, "ended": "cancelled"},
    {"atMs": 6, "kind": "clock", "nowMs": NOW_MS - 50_000},
    {"atMs": 7, "kind": "resume"},
    {"atMs": 8, "kind": "reconfigure", "config": CONFIG},
    {"atMs": 9, "kind": "settled", "task": "Rank", "runId": "Rank-e0", "ended": "ok"},
    {"atMs": 9, "kind": "reload", "life": "b"},
    {"atMs": 9, "kind": "track", "events": json.dumps(click(9, "Rank")["events"])},
    {"atMs": 900, "kind": "stop"},
]  # fmt: skip
RAW = "\n".join(map(json.dumps, LINES))


def places(plain: object, place: Place = ()) -> Iterator[Place]:
    """Yield where every value in ``plain`` is."""
    inside = plain.items() if isinstance(plain, dict) else enumerate(plain)  # type: ignore[arg-type]
    for key, value in inside:
        yield (*place, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*place, key))


PLACES = [place for place in places(LINES) if len(place) > 1]
NUMBERS = [
    0, -0.0, -1, 1, 0.5, 300, LONGEST_MS, LONGEST_MS + 1, 8.64e15, 8.64e15 + 2, 10**15, 10**400,
    1e300, -1e300, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
TEXTS = [
    "", "x", "ok", "cancelled", "circuit-open", "low", "Rank", "Warm", "Rank-e0", "é🛒", "\ud800",
    "\0", "[]", "{}", "[5]", "a b", "../x", "x" * 200, "x" * 300, "start", "stop", "run", "infer",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)
VALUES = LEAVES | st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
MISSING = object()
CHANGES = st.lists(
    st.tuples(st.sampled_from(PLACES), VALUES | st.just(MISSING)), min_size=1, max_size=3
)


def changed(changes: list[tuple[Place, object]]) -> str:
    """Return the lines with other values at some places, where these are still there."""
    lines = json.loads(json.dumps(LINES))
    for place, value in changes:
        *path, last = place
        inside = lines
        try:
            for key in path:
                inside = inside[key]
            if value is MISSING:
                del inside[last]
            else:
                inside[last] = value
        except (KeyError, IndexError, TypeError):
            continue
    return "\n".join(map(json.dumps, lines))


def played(text: str) -> bool:
    """Play ``text``; say whether it is a trace."""
    try:
        records = parse_trace(text)
    except ConfigError as error:
        assert error.message.startswith("trace")
        assert ": expected " in error.message and ", got " in error.message
        return False
    Replay(records, parse_config(CONFIG)).run()
    return True


def test_the_lines_themselves_are_played() -> None:
    assert played(RAW)


@settings(max_examples=examples(150), deadline=None)
@given(CHANGES)
def test_other_values_are_refused_or_played(changes: list[tuple[Place, object]]) -> None:
    played(changed(changes))


@pytest.mark.parametrize("place", [place for place in PLACES if len(place) == 2], ids=str)
def test_each_field_is_looked_at(place: Place) -> None:
    for value in (MISSING, None, True, -1, 1e300, float("nan"), "x", [], [None], {"x": [1]}):
        played(changed([(place, value)]))


@settings(max_examples=examples(50), deadline=None)
@given(st.integers(0, len(RAW)), st.integers(0, 9), st.text(max_size=3))
def test_other_text_is_refused_or_played(at: int, removed: int, added: str) -> None:
    played(RAW[:at] + added + RAW[at + removed :])


@given(st.permutations(LINES))
@settings(max_examples=examples(20), deadline=None)
def test_lines_may_come_in_any_order(lines: list[Plain]) -> None:
    assert played("\n".join(json.dumps({**line, "atMs": 1}) for line in lines))
