"""Segments: their text, bounds against damage, and keys that sort."""

import json
from typing import Any

import pytest
from edge_runtime.errors import TrustError
from edge_runtime.pure import segment
from edge_runtime.pure.segment import Operations
from hypothesis import given
from hypothesis import strategies as st

TEXTS = Operations(['[["e1",1.0,"mta","Home",null,1,{}]]'], ['["put","k",1,5.0,1]'])
MAX_BYTES = 2**20

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
batches = st.lists(json_values, min_size=1, max_size=3)


@given(st.lists(batches, max_size=4), st.lists(json_values, max_size=4), st.booleans())
def test_batches_and_operations_come_out_in_order(
    rows: list[list[Any]], operations: list[Any], is_spaced: bool
) -> None:
    texts = [json.dumps(each, ensure_ascii=is_spaced) for each in rows]
    if is_spaced:
        texts = [f" \n{text.replace('[', '[ ', 1)}\t" for text in texts]
    packed = segment.encode(Operations(texts, [json.dumps(each) for each in operations]))

    assert json.loads(segment.decode(packed, max_bytes=MAX_BYTES)) == {
        "events": [row for batch in rows for row in batch],
        "keys": operations,
    }


def test_an_empty_batch_adds_nothing() -> None:
    packed = segment.encode(Operations(["[]", TEXTS.batches[0], "[]"], []))
    assert len(json.loads(segment.decode(packed, max_bytes=MAX_BYTES))["events"]) == 1


def test_a_text_larger_than_the_bound_is_not_unpacked() -> None:
    packed = segment.encode(Operations([f'["{"x" * 10_000_000}"]'], []))
    assert len(packed) < 10_000
    with pytest.raises(TrustError, match="at most 1048576 bytes unpacked"):
        segment.decode(packed, max_bytes=MAX_BYTES)


@pytest.mark.parametrize("surplus", [0, 1])
def test_the_bound_itself_is_allowed(surplus: int) -> None:
    packed = segment.pack_piece(b"x" * (100 + surplus))
    if surplus:
        with pytest.raises(TrustError, match="at most 100 bytes"):
            segment.unpacked(packed, max_bytes=100)
    else:
        assert segment.unpacked(packed, max_bytes=100) == b"x" * 100


@given(st.data())
def test_a_damaged_text_is_never_taken_for_another(data: st.DataObject) -> None:
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
    try:
        segment.decode(junk, max_bytes=MAX_BYTES)
    except TrustError as error:
        assert error.code == "seal-broken"


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (segment.pack_piece(b"x") + b"more", "one whole zstd frame"),
        (segment.pack_piece(b"x")[:-1], "one whole zstd frame"),
        (segment.pack_piece(b"\xff"), "UTF-8 text"),
        (b"text", "one intact zstd frame"),
    ],
    ids=["extended", "cut off", "no text", "no frame"],
)
def test_what_is_wrong_with_a_segment_is_said(packed: bytes, message: str) -> None:
    with pytest.raises(TrustError, match=message):
        segment.decode(packed, max_bytes=MAX_BYTES)


sequences = st.integers(0, 10**12 - 1)


@given(sequences, sequences)
def test_keys_sort_as_their_numbers_do_and_give_them_back(first: int, second: int) -> None:
    keys = [segment.record_key(number) for number in (first, second)]
    assert (keys[0] < keys[1]) == (first < second)
    assert [segment.sequence_of(key) for key in keys] == [first, second]


@pytest.mark.parametrize(
    "key", ["", "42", "0000000000042", "00000000004x", " 00000000042", "-00000000042", "٠" * 12]
)
def test_any_other_key_has_no_number(key: str) -> None:
    assert segment.sequence_of(key) is None


@given(st.binary(max_size=50), st.integers(1, 20))
def test_pieces_hold_the_whole_image_and_none_is_too_large(image: bytes, piece_bytes: int) -> None:
    pieces = [image[each] for each in segment.packed_pieces(image, piece_bytes)]
    assert b"".join(pieces) == image
    assert pieces and all(len(piece) <= piece_bytes for piece in pieces)
