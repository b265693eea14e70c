"""Event rows: what is accepted, what each refusal says, and which batches need no second look."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import LIMITS
from edge_runtime.errors import ConfigError
from edge_runtime.pure.events import (
    PROPS_LEVELS,
    check_batch,
    check_row,
    event_of,
    has_escapes,
    is_flat,
    is_too_large,
)
from edge_runtime.types import Event
from hypothesis import given, settings
from hypothesis import strategies as st

EVENT_LIMITS = Path(__file__).parents[3] / "vectors" / "event-limits.json"
FIELDS = ["id", "ts", "type", "pageId", "clickId", "pv", "props"]
VIEW: list[Any] = ["e1", 1_000, "mta", "Home", None, 1, {}]
CLICK: list[Any] = ["e2", 1_000, "mta", "Home", "item", 0, {"sku": 7}]


def changed(row: list[Any], **change: Any) -> list[Any]:
    return [change.get(name, value) for name, value in zip(FIELDS, row, strict=True)]


def stringified(rows: list[list[Any]]) -> str:
    """Return what JSON.stringify does: only control characters and lone surrogates are escaped."""
    text = json.dumps(rows, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):x}", text)


def nested(levels: int) -> dict[str, Any]:
    return {"in": nested(levels - 1)} if levels > 1 else {}


def test_the_page_checks_the_same_limits_first() -> None:
    assert json.loads(EVENT_LIMITS.read_text()) == {
        "textChars": LIMITS.event_text_chars,
        "propsBytes": LIMITS.event_props_bytes,
        "propsLevels": PROPS_LEVELS,
    }


@pytest.mark.parametrize(
    "row",
    [
        VIEW,
        CLICK,
        changed(VIEW, id="x" * 64),
        changed(VIEW, pageId="页" * 256),
        changed(VIEW, ts=0),
        changed(VIEW, ts=1_000.5),
        changed(VIEW, ts=8.64e15),
        changed(VIEW, props=nested(16)),
        changed(VIEW, props={"text": "x" * 16_373}),
        changed(VIEW, props={"text": "\0\x1f"}),
    ],
    ids=lambda row: repr(row)[:60],
)
def test_rows_within_the_limits_stay_as_they_are(row: list[Any]) -> None:
    assert json.loads(check_row(row)) == row


def test_true_and_false_are_as_good_as_numbers() -> None:
    assert json.loads(check_row(changed(VIEW, pv=True)))[5] == 1
    assert json.loads(check_row(changed(CLICK, pv=False)))[5] == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(VIEW, id=""), 'event.id: expected text of 1 to 64 characters, got "" (string)'),
        (changed(VIEW, id=5), "event.id: expected text of 1 to 64 characters, got 5 (number)"),
        (changed(VIEW, id="x" * 65), "event.id: expected text of 1 to 64 characters"),
        (changed(VIEW, id="a\0b"), "event.id: expected text of 1 to 64 characters"),
        (changed(VIEW, pageId="x" * 257), "event.pageId: expected text of 1 to 256 characters"),
        (changed(VIEW, pageId="\ud800"), "event.pageId: expected text of 1 to 256 characters"),
        (changed(CLICK, clickId=""), "event.clickId: expected text of 1 to 256 characters"),
        (changed(VIEW, type=None), "event.type: expected text of 1 to 256 characters, got null"),
        (changed(VIEW, type=["mta"]), "event.type: expected text of 1 to 256 characters"),
        (changed(VIEW, ts="now"), 'event.ts: expected Unix milliseconds, got "now" (string)'),
        (changed(VIEW, ts="5"), 'event.ts: expected Unix milliseconds, got "5" (string)'),
        (changed(VIEW, ts=True), "event.ts: expected Unix milliseconds, got true (boolean)"),
        (changed(VIEW, ts=math.nan), "event.ts: expected Unix milliseconds, got NaN"),
        (changed(VIEW, ts=math.inf), "event.ts: expected Unix milliseconds, got Infinity"),
        (changed(VIEW, ts=-1), "event.ts: expected Unix milliseconds, got -1"),
        (changed(VIEW, ts=10**400), "event.ts: expected Unix milliseconds"),
        (changed(VIEW, pv=2), "event.pv: expected 0 or 1, got 2 (number)"),
        (changed(VIEW, pv=None), "event.pv: expected 0 or 1, got null"),
        (changed(VIEW, clickId="item"), "event.clickId: expected no click id on a page view"),
        (changed(VIEW, props=None), "event.props: expected an object, got null"),
        (changed(VIEW, props=[1]), "event.props: expected an object, got [1] (array)"),
        (changed(VIEW, props=nested(17)), "event.props: expected at most 16 levels, got deeper"),
        (changed(VIEW, props=nested(400)), "event.props: expected at most 16 levels, got deeper"),
        (changed(VIEW, props={"x": math.inf}), "event.props: expected plain JSON data"),
        (changed(VIEW, props={"x": "\udfff"}), "event.props: expected plain JSON data"),
        (changed(VIEW, props={"x": "x" * 16_377}), "event.props: expected at most 16384 bytes"),
        (changed(VIEW, props={"x": "页" * 5_500}), "event.props: expected at most 16384 bytes"),
        (VIEW[:6], "event: expected a row of id, ts, type, pageId, clickId, pv, props, got"),
        ([*VIEW, 5], "event: expected a row of id, ts, type, pageId, clickId, pv, props, got"),
        ({"id": "e1"}, "event: expected a row of id, ts, type, pageId, clickId, pv, props, got"),
        (None, "event: expected a row of id, ts, type, pageId, clickId, pv, props, got null"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_wrong_field_is_refused_by_name(row: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_row(row)

    assert refused.value.code == "argument-invalid"
    assert refused.value.message.startswith(message)


def test_a_bad_row_does_not_lose_the_others() -> None:
    checked = check_batch(json.dumps([VIEW, changed(VIEW, ts="x"), CLICK, 5]))

    assert json.loads(checked.text) == [VIEW, CLICK]
    assert checked.rows == 2
    assert [error.details["field"] for error in checked.errors] == ["event.ts", "event"]


DEEP = json.dumps([VIEW]).replace('"Home"', "[" * 5_000 + "]" * 5_000)
BATCH = json.dumps([VIEW])


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", "null", "5", "[" * 100_000, "[1" + "0" * 5_000 + "]", DEEP]
    + ["\ufeff[]", f"{BATCH}\0", f"{BATCH[:-1]},]", f"{BATCH}{BATCH}"],
    ids=lambda text: repr(text[:20]),
)
def test_a_batch_that_is_no_array_of_rows_gives_one_error(text: str) -> None:
    checked = check_batch(text)

    assert (checked.text, checked.rows, len(checked.errors)) == ("[]", 0, 1)


@pytest.mark.parametrize(
    ("rows", "is_flat_batch"),
    [
        ([], True),
        ([VIEW, CLICK], True),
        ([changed(VIEW, props={"x": "页"}), CLICK], True),
        ([changed(VIEW, props={"x": {}})], False),
        ([changed(VIEW, props={"x": []})], False),
        ([changed(VIEW, pageId=["Home"])], False),
    ],
    ids=repr,
)
def test_only_rows_without_nesting_are_flat(rows: list[list[Any]], is_flat_batch: bool) -> None:
    assert is_flat(stringified(rows), len(rows)) is is_flat_batch


@pytest.mark.parametrize("escape", ["\\ud800", "\\uD800", "\\u0000", "\0"])
def test_however_an_odd_character_is_written_it_gets_a_second_look(escape: str) -> None:
    assert has_escapes(BATCH.replace("Home", f"Home{escape}")) and not has_escapes(BATCH)


def test_a_row_of_the_table_becomes_an_event() -> None:
    row = ("e2", 1_000.0, "mta", "Home", "item", 0, '{"sku":7}')
    assert event_of(row) == Event("e2", 1_000, "mta", "Home", "item", False, {"sku": 7})
    assert event_of(("e1", 1.0, "mta", "Home", None, 1, "{}")).pv is True


@pytest.mark.parametrize(
    ("digits", "expected"), [("9" * 308, 10**308 - 1), ("9" * 5_000, math.inf)]
)
def test_a_number_of_too_many_digits_is_what_javascript_reads(digits: str, expected: float) -> None:
    row = ("e1", 1.0, "mta", "Home", None, 1, f'{{"x":{digits}}}')
    assert event_of(row).props == {"x": expected}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
rows = st.builds(
    lambda row, field, value: changed(row, **{field: value}),
    st.sampled_from([VIEW, CLICK]),
    st.sampled_from(FIELDS),
    json_values,
)


@settings(max_examples=50)
@given(rows | json_values)
def test_whatever_a_page_sends_is_a_row_or_an_error(row: Any) -> None:
    try:
        text = check_row(row)
    except ConfigError as error:
        assert error.code == "argument-invalid"
    else:
        assert json.loads(text.encode()) == row
        assert check_row(json.loads(text)) == text


def test_a_thousand_of_the_largest_events_are_not_too_large() -> None:
    # Six bytes a character, as control characters are written.
    text = chr(1) * LIMITS.event_text_chars
    props = {"a": "x" * (LIMITS.event_props_bytes - 8)}
    rows = [[chr(1) * 64, 8.64e15, text, text, text, 0, props]] * 1_000
    check_row(rows[0])
    assert not is_too_large(stringified(rows))


@pytest.mark.parametrize("char", ["x", "\xe9", "\u9875", chr(0x1F642), "\ud800"])
def test_a_batch_is_measured_in_bytes(char: str) -> None:
    fits = char * (LIMITS.batch_bytes // len(char.encode(errors="surrogatepass")))
    assert not is_too_large(fits) and is_too_large(fits + "xxx")
