"""Event records: what is accepted, and what each refusal says."""

import json
from typing import Any

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.events import parse_batch, parse_event
from edge_runtime.types import Event
from hypothesis import given
from hypothesis import strategies as st

VIEW = {"id": "e1", "ts": 1_000, "type": "mta", "pageId": "Home", "pv": True}
CLICK = {**VIEW, "pv": False, "clickId": "item", "props": {"sku": 7}}


def nested(levels: int) -> dict[str, Any]:
    return {"in": nested(levels - 1)} if levels > 1 else {}


def test_a_page_view_and_a_click_become_events() -> None:
    assert parse_event(VIEW) == Event("e1", 1_000, "mta", "Home", None, True, {})
    assert parse_event(CLICK) == Event("e1", 1_000, "mta", "Home", "item", False, {"sku": 7})


def test_null_is_as_good_as_absent_for_optional_fields() -> None:
    assert parse_event({**VIEW, "clickId": None, "props": None}) == parse_event(VIEW)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x" * 64},
        {"pageId": "页" * 256},
        {"ts": 0},
        {"ts": 1_000.5},
        {"props": nested(16)},
        {"props": {"text": "x" * 16_000}},
    ],
    ids=repr,
)
def test_values_at_the_limits_are_accepted(change: dict[str, Any]) -> None:
    parse_event({**VIEW, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, 'event.id: expected text of 1 to 64 characters, got "" (string)'),
        ({"id": 5}, "event.id: expected text of 1 to 64 characters, got 5 (number)"),
        ({"id": "x" * 65}, "event.id: expected text of 1 to 64 characters"),
        ({"pageId": "x" * 257}, "event.pageId: expected text of 1 to 256 characters"),
        ({"pageId": "\ud800"}, "event.pageId: expected text of 1 to 256 characters"),
        ({"pv": False, "clickId": ""}, "event.clickId: expected text of 1 to 256 characters"),
        ({"type": None}, "event.type: expected text of 1 to 256 characters, got null"),
        ({"ts": "now"}, 'event.ts: expected Unix milliseconds, got "now" (string)'),
        ({"ts": True}, "event.ts: expected Unix milliseconds, got true (boolean)"),
        ({"ts": float("nan")}, "event.ts: expected Unix milliseconds, got NaN"),
        ({"ts": float("inf")}, "event.ts: expected Unix milliseconds, got Infinity"),
        ({"ts": -1}, "event.ts: expected Unix milliseconds, got -1"),
        ({"ts": 10**400}, "event.ts: expected Unix milliseconds"),
        ({"pv": 1}, "event.pv: expected true or false, got 1 (number)"),
        ({"clickId": "item"}, "event.clickId: expected no click id on a page view"),
        ({"props": [1]}, "event.props: expected an object, got [1] (array)"),
        ({"props": nested(17)}, "event.props: expected at most 16 levels, got deeper nesting"),
        ({"props": nested(900)}, "event.props: expected at most 16 levels, got deeper nesting"),
        ({"props": {"x": float("inf")}}, "event.props: expected plain JSON data"),
        ({"props": {"x": "\udfff"}}, "event.props: expected plain JSON data"),
        ({"props": {"x": "x" * 16_400}}, "event.props: expected at most 16384 bytes of JSON"),
        ({"pageid": "Home"}, "event: expected only the fields clickId, id, pageId, props"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_wrong_field_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_event({**VIEW, **change})

    assert refused.value.code == "argument-invalid"
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize("field", VIEW)
def test_a_missing_field_is_refused_by_name(field: str) -> None:
    record = {name: value for name, value in VIEW.items() if name != field}

    with pytest.raises(ConfigError, match=f"event.{field}: expected a value, got none"):
        parse_event(record)


@pytest.mark.parametrize("record", [None, 5, "event", [VIEW]])
def test_a_record_that_is_no_object_is_refused(record: object) -> None:
    with pytest.raises(ConfigError, match="event: expected an object"):
        parse_event(record)


def test_a_bad_record_does_not_lose_the_others() -> None:
    events, errors = parse_batch(json.dumps([VIEW, {**VIEW, "ts": "x"}, CLICK]))

    assert events == [parse_event(VIEW), parse_event(CLICK)]
    assert [error.details for error in errors] == [{"field": "event.ts"}]


DEEP = json.dumps([VIEW]).replace('"Home"', "[" * 5_000 + "]" * 5_000)


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "null", "[" * 100_000, "[1" + "0" * 5_000 + "]", DEEP]
)
def test_a_batch_that_is_no_array_of_records_gives_one_error(text: str) -> None:
    events, errors = parse_batch(text)

    assert (events, len(errors)) == ([], 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
fields = st.sampled_from(["id", "ts", "type", "pageId", "clickId", "pv", "props", "other"])


@given(st.dictionaries(fields, json_values), st.booleans())
def test_whatever_a_page_sends_is_an_event_or_an_error(record: Any, complete: bool) -> None:
    merged = {**CLICK, **record} if complete else record
    try:
        event = parse_event(merged)
    except ConfigError as error:
        assert error.code == "argument-invalid"
    else:
        json.dumps([event.id, event.ts, event.props], allow_nan=False, ensure_ascii=False).encode()
