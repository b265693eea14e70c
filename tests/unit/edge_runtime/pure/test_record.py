"""Stored records: every byte is either checked or part of what the seal is bound to."""

from dataclasses import replace

import pytest
from edge_runtime.errors import TrustError
from edge_runtime.pure.record import (
    NO_TAG,
    Header,
    Kind,
    Place,
    associated_data,
    is_newer_head,
    pack,
    tag_of,
    unpack,
)
from hypothesis import given
from hypothesis import strategies as st

KINDS: list[Kind] = ["head", "sealed", "plain"]
PLACE = Place("db", "sealed", "000000000042", 7)
HEADER = Header("k00c0ffee", 7, bytes(range(16)))
BODY = bytes(range(100, 128))
PAYLOAD = b"payload"

parts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
versions = st.integers(0, 2**64 - 1)
tags = st.binary(min_size=16, max_size=16)
key_ids = st.text("k0123456789abcdef", min_size=1, max_size=255)


def record(kind: Kind) -> bytes:
    return pack(kind, HEADER, BODY, PAYLOAD if kind == "plain" else b"")


def proven(kind: Kind, data: bytes) -> tuple[bytes, bytes]:
    """Return all that a seal decides on: what it is bound to, and its own bytes."""
    header, body, payload = unpack(kind, data)
    return associated_data(replace(PLACE, version=header.version), header, payload), body


@given(st.sampled_from(KINDS), key_ids, versions, tags, st.binary(max_size=50))
def test_what_is_packed_comes_out_again(
    kind: Kind, key_id: str, version: int, previous_tag: bytes, content: bytes
) -> None:
    header = Header(key_id, version, previous_tag)
    body, payload = (BODY, content) if kind == "plain" else (BODY + content, None)

    unpacked = unpack(kind, pack(kind, header, body, payload or b""))

    assert unpacked == (header, body, payload)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_ends_with_the_tag_of_its_seal(kind: Kind) -> None:
    assert tag_of(record(kind)) == BODY[-16:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF, None])
def test_no_byte_can_change_unnoticed(kind: Kind, mask: int | None) -> None:
    original = record(kind)
    for offset, byte in enumerate(original):
        damaged = bytearray(original)
        damaged[offset] = 0 if mask is None else byte ^ mask
        if damaged == original:
            continue
        try:
            assert proven(kind, bytes(damaged)) != proven(kind, original)
        except TrustError as error:
            assert error.code == "seal-broken"


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_can_be_cut_off_or_added_unnoticed(kind: Kind) -> None:
    original = record(kind)
    for other in [*(original[:length] for length in range(len(original))), original + b"\0"]:
        try:
            assert proven(kind, other) != proven(kind, original)
        except TrustError as error:
            assert error.code == "seal-broken"


@given(st.sampled_from(KINDS), st.binary(max_size=100), st.booleans())
def test_junk_is_refused_with_our_error(kind: Kind, junk: bytes, has_magic: bool) -> None:
    try:
        unpack(kind, record(kind)[:4] + junk if has_magic else junk)
    except TrustError as error:
        assert error.code == "seal-broken"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_record_opens_as_what_it_is_only(kind: Kind, other: Kind) -> None:
    if kind == other:
        assert unpack(other, record(kind)).header == HEADER
        return
    with pytest.raises(TrustError, match="expected a record beginning with"):
        unpack(other, record(kind))


@pytest.mark.parametrize("part", ["", "a\0b"])
@pytest.mark.parametrize("name", ["database", "store", "row", "key_id"])
def test_parts_that_could_make_two_places_look_the_same_are_a_programming_mistake(
    name: str, part: str
) -> None:
    place = PLACE if name == "key_id" else replace(PLACE, **{name: part})
    header = HEADER._replace(key_id=part) if name == "key_id" else HEADER
    with pytest.raises(ValueError, match="parts without NUL, none empty"):
        associated_data(place, header)


short = st.text("ab1:", min_size=1, max_size=2)
bindings = st.tuples(
    st.builds(Place, short, short, short, st.integers(0, 11)),
    short,
    st.sampled_from([NO_TAG, bytes(range(16))]),
    st.none() | st.binary(max_size=1),
)


def bound(binding: tuple[Place, str, bytes, bytes | None]) -> bytes:
    place, key_id, previous_tag, payload = binding
    return associated_data(place, Header(key_id, place.version, previous_tag), payload)


@given(bindings, bindings)
def test_two_places_are_never_bound_to_the_same(
    first: tuple[Place, str, bytes, bytes | None], second: tuple[Place, str, bytes, bytes | None]
) -> None:
    assert (bound(first) == bound(second)) == (first == second)


@given(parts, parts, parts, parts, versions)
def test_any_text_names_a_place(
    database: str, store: str, row: str, key_id: str, version: int
) -> None:
    data = associated_data(Place(database, store, row, version), Header(key_id, version, NO_TAG))
    assert data.count(b"\0") == 8


@pytest.mark.parametrize(
    ("start", "is_newer"),
    [(b"EDH2", False), (b"EDH3", True), (b"EDH1", False), (b"EDS3", False), (b"", False)],
)
def test_a_head_of_a_later_version_is_known_by_its_first_bytes(
    start: bytes, is_newer: bool
) -> None:
    assert is_newer_head(start + b"more") is is_newer
