"""Records of the log: framing, binding, and bounds against damage."""

import json

import pytest
from edge_runtime.errors import TrustError
from edge_runtime.pure import segment
from edge_runtime.pure.segment import Operations
from hypothesis import given
from hypothesis import strategies as st

TEXTS = Operations(['["e1",1.0,"mta","Home",null,true,{}]'], ['["put","k",1,5.0,true]'])
MAX_BYTES = 2**20


def test_operations_survive_compression() -> None:
    text = segment.decode(segment.encode(TEXTS), max_bytes=MAX_BYTES)
    assert json.loads(text) == {
        "events": [["e1", 1.0, "mta", "Home", None, True, {}]],
        "keys": [["put", "k", 1, 5.0, True]],
    }


def test_a_text_larger_than_the_bound_is_not_unpacked() -> None:
    packed = segment.encode(Operations([f'"{"x" * 10_000_000}"'], []))
    assert len(packed) < 10_000
    with pytest.raises(TrustError, match="at most 1048576 bytes unpacked"):
        segment.decode(packed, max_bytes=MAX_BYTES)


@given(st.data())
def test_damaged_plain_text_is_never_taken_for_another(data: st.DataObject) -> None:
    packed = bytearray(segment.encode(TEXTS))
    expected = segment.decode(bytes(packed), max_bytes=MAX_BYTES)
    offset = data.draw(st.integers(0, len(packed) - 1))
    packed[offset] ^= data.draw(st.integers(1, 255))
    damaged = bytes(packed)[: data.draw(st.integers(0, len(packed)))]
    try:
        assert segment.decode(damaged, max_bytes=MAX_BYTES) == expected
    except TrustError as error:
        assert error.code == "seal-broken"


@given(st.binary(max_size=100))
def test_junk_is_refused_with_our_error(junk: bytes) -> None:
    for attempt in (
        lambda: segment.decode(junk, max_bytes=MAX_BYTES),
        lambda: segment.unwrap("sealed", junk),
        lambda: segment.unwrap("plain", junk),
    ):
        try:
            attempt()
        except TrustError as error:
            assert error.code == "seal-broken"


def test_a_record_opens_on_its_own_route_only() -> None:
    sealed = segment.wrap("sealed", b"body", "key-1")
    plain = segment.wrap("plain", b"body")

    assert segment.unwrap("sealed", sealed) == ("key-1", b"body")
    assert segment.unwrap("plain", plain) == ("", b"body")
    for route, record in (("sealed", plain), ("plain", sealed)):
        with pytest.raises(TrustError, match="beginning with"):
            segment.unwrap(route, record)  # type: ignore[arg-type]


def test_every_part_of_a_place_changes_what_a_seal_is_bound_to() -> None:
    place = ["db", "store", "key-1", "row"]
    bound = {segment.associated_data(*place)}
    for index in range(4):
        bound.add(segment.associated_data(*place[:index], "x", *place[index + 1 :]))
    assert len(bound) == 5


@pytest.mark.parametrize("part", ["", "a\0b"])
def test_places_that_could_look_the_same_are_a_programming_mistake(part: str) -> None:
    with pytest.raises(ValueError, match="none empty"):
        segment.associated_data("db", part, "key", "row")


@given(st.integers(0, 9_999_999_999_999), st.integers(0, 99_999_999), st.integers(0, 99_999_999))
def test_keys_sort_by_session_then_order(opened_ms: int, first: int, second: int) -> None:
    keys = [segment.record_key(opened_ms, "00c0ffee", n) for n in (first, second)]
    assert (keys[0] < keys[1]) == (first < second)
    assert segment.opened_after(0, keys[0]) == opened_ms + 1


def test_a_session_starts_now_unless_the_clock_went_back() -> None:
    assert segment.opened_after(5_000.7, None) == 5_000
    assert segment.opened_after(5_000, "not-one-of-our-keys") == 5_000
    assert segment.opened_after(5_000, segment.record_key(9_000, "00c0ffee", 1)) == 9_001


@given(st.lists(st.text(max_size=9)), st.integers(1, 20))
def test_chunks_keep_order_and_stay_within_the_limit(texts: list[str], limit: int) -> None:
    chunks = list(segment.chunked(texts, limit))
    assert [text for chunk in chunks for text in chunk] == texts
    assert all(len(chunk) == 1 or sum(map(len, chunk)) <= limit for chunk in chunks)
