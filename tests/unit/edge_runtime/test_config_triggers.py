"""Triggers of a configuration: every field is read, and what can never fire is refused with why."""

from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.config_triggers import Count, EventPattern, Scope, Trigger, key_of
from edge_runtime.config_where import Condition
from edge_runtime.errors import ConfigError
from edge_runtime.types import Event, Priority

HOME = {"type": "mta", "pageId": "Home", "needPv": True}
ITEM = {"type": "mta", "pageId": "Home", "clickIds": ["item"]}
CART = {"type": "mta", "pageId": "Cart", "clickIds": ["buy"]}


def parsed(**fields: Any) -> Trigger:
    return parse_config({"triggers": [{"taskName": "T", **fields}]}).triggers[0]


def refusal(**fields: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        parsed(**fields)
    assert refused.value.code == "config-invalid"
    return refused.value.message


def test_every_field_of_a_trigger_is_read() -> None:
    steps = [{**HOME, "exposureIds": ["e"], "needExit": True, "where": {"a.b": 1}}, CART]
    trigger = parsed(
        sequence=steps,
        withinMs=5,
        scope="any",
        count={"times": 3.0, "withinMs": 7},
        cooldownMs=9,
        sample=0.5,
        priority="core",
        expiresAt="2027-01-01T00:00:00+08:00",
    )

    first = EventPattern(
        "mta", "Home", True, (), ("e",), need_exit=True, where=(Condition("a.b", "eq", "1"),)
    )
    assert trigger == Trigger(
        "T",
        sequence=(first, EventPattern("mta", "Cart", click_ids=("buy",))),
        within_ms=5,
        count=Count(3, 7),
        cooldown_ms=9,
        sample=0.5,
        priority=Priority.CORE,
        expires_at_ms=1_798_732_800_000,
    )


def test_what_is_left_out_has_its_default() -> None:
    trigger = parsed(sequence=[HOME, ITEM], scope="page", expiresAt=1_798_732_800_000)

    assert (trigger.within_ms, trigger.scope, trigger.count) == (600_000, Scope.PAGE, None)
    assert (trigger.cooldown_ms, trigger.sample, trigger.priority) == (0, 1, None)
    assert trigger.expires_at_ms == 1_798_732_800_000
    assert (
        parsed(events=[HOME], expiresAt="2026-12-31T16:00:00Z").expires_at_ms == 1_798_732_800_000
    )


def test_a_pattern_names_the_keys_of_the_events_it_matches() -> None:
    pattern = EventPattern("mta", "Home", True, ("c",), ("e",), need_exit=True)
    events = [
        Event("1", 0, "mta", "Home", pv=True),
        Event("2", 0, "mta", "Home", "c"),
        Event("3", 0, "mta.exposure", "Home", "e"),
        Event("4", 0, "mta.exit", "Home", pv=True),
    ]

    assert list(pattern.keys()) == [key_of(event) for event in events]
    assert key_of(Event("5", 0, "mta", "Home")) is None


AT = "config at triggers[0]"
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, f"{AT}: expected exactly one of events and sequence"),
    ({"events": [HOME], "sequence": [HOME, ITEM]}, f"{AT}: expected exactly one of events and"),
    (
        {"sequence": [HOME]},
        f"{AT}.sequence: expected at least 2 entries, got "
        '[{"type": "mta", "pageId": "Home", "needPv": true}] (array). Patterns that events match '
        "in this order; a single step is what events is for.",
    ),
    (
        {"events": [HOME], "withinMs": 5},
        f"{AT}.withinMs: expected a trigger with a sequence, got 5 (number). withinMs is about",
    ),
    ({"events": [HOME], "scope": "page"}, f"{AT}.scope: expected a trigger with a sequence"),
    ({"sequence": [HOME, ITEM], "withinMs": 86_400_001}, f"{AT}.withinMs: expected a number up to"),
    ({"sequence": [HOME, ITEM], "withinMs": 0}, f"{AT}.withinMs: expected a number above 0, got 0"),
    (
        {"sequence": [ITEM, CART], "scope": "page"},
        f'{AT}.scope: expected page for steps of one pageId, got ["Home", "Cart"] (array). Steps',
    ),
    (
        {"sequence": [ITEM, HOME], "scope": "page"},
        f"{AT}.sequence[1]: expected something else than a view alone",
    ),
    (
        {"events": [HOME], "count": {"times": 1, "withinMs": 5}},
        f"{AT}.count.times: expected a number from 2 up, got 1 (number). Completions that fire; 1",
    ),
    ({"events": [HOME], "count": {"times": 2}}, f"{AT}.count: expected an object with withinMs"),
    ({"events": [HOME], "sample": 0}, f"{AT}.sample: expected a number above 0, got 0 (number)."),
    ({"events": [HOME], "sample": 1.1}, f"{AT}.sample: expected a number up to 1"),
    ({"events": [HOME], "cooldownMs": 0}, f"{AT}.cooldownMs: expected a number above 0"),
    ({"events": [HOME], "priority": "high"}, f"{AT}.priority: expected one of core, regular, low"),
    (
        {"events": [HOME], "expiresAt": "2027-01-01T00:00:00"},
        f"{AT}.expiresAt: expected a time of ISO 8601 with its zone, got "
        '"2027-01-01T00:00:00" (string). Without one it is another time on each device: add Z.',
    ),
    ({"events": [HOME], "expiresAt": "soon"}, f"{AT}.expiresAt: expected a time of ISO 8601"),
    ({"events": [HOME], "expiresAt": 1_798_732_800}, f"{AT}.expiresAt: expected Unix milliseconds"),
    ({"events": [HOME], "expiresAt": True}, f"{AT}.expiresAt: expected string or number, got true"),
    (
        {"events": [{"type": "mta", "pageId": "Home"}]},
        f"{AT}.events[0]: expected needPv or needExit true, or at least one of clickIds or",
    ),
    (
        {"events": [{"type": "x" * 250, "pageId": "Home", "exposureIds": ["a"]}]},
        f"{AT}.events[0].type: expected 256 characters with its ending",
    ),
    ({"sequence": [HOME, {**ITEM, "clickIds": []}]}, f"{AT}.sequence[1]: expected needPv or"),
]


@pytest.mark.parametrize(("fields", "message"), MISTAKES, ids=[text[20:70] for _, text in MISTAKES])
def test_what_can_never_fire_is_refused_with_the_reason(
    fields: dict[str, Any], message: str
) -> None:
    assert refusal(**fields).startswith(message)


def test_a_page_sequence_may_go_on_with_an_exit_or_with_clicks_beside_the_view() -> None:
    exit = {"type": "mta", "pageId": "Home", "needExit": True}
    both = {**ITEM, "needPv": True}

    assert parsed(sequence=[HOME, both, exit], scope="page").scope is Scope.PAGE
