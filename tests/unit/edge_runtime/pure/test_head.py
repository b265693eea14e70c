"""The head: its form, when a key is worn, and which slot is free."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.pure.chain import Base
from edge_runtime.pure.head import (
    DAY_MS,
    START,
    Checkpoint,
    DataKey,
    Head,
    Image,
    KeyLimits,
    base_of,
    from_bytes,
    no_checkpoint,
    other_slot,
    piece_keys,
    plain_images_from_bytes,
    plain_images_to_bytes,
    to_bytes,
)
from edge_runtime.pure.segment import ROUTES
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITS = KeyLimits(max_uses=1_000, max_age_ms=90 * DAY_MS, reserve_uses=100)
NOW_MS = 1.8e12

counts = st.integers(0, 2**53)
times = st.floats(0, 8.64e15)
tags = st.binary(min_size=16, max_size=16)
key_ids = st.text("k0123456789abcdef", max_size=13)
images = st.builds(Image, st.builds(Base, counts, tags), counts, tags, key_ids, counts, counts)
checkpoints = st.builds(
    Checkpoint,
    st.sampled_from(["a", "b"]),
    counts,
    times,
    st.fixed_dictionaries(dict.fromkeys(ROUTES, images)),
)
keys = st.builds(DataKey, key_ids, times, counts, st.binary(max_size=60))
heads = st.builds(
    Head,
    counts,
    counts,
    st.lists(keys, max_size=3).map(tuple),
    st.none() | checkpoints,
    st.none() | checkpoints,
)


def key(key_id: str = "k1", *, created_ms: float = NOW_MS, uses_bound: int = 0) -> DataKey:
    return DataKey(key_id, created_ms, uses_bound, b"wrapped")


def checkpoint(slot: Any, pieces: int = 0, sequence: int = 0) -> Checkpoint:
    image = Image(Base(sequence, b"t" * 16), pieces, size_bytes=10 * pieces)
    return Checkpoint(slot, 1, NOW_MS, dict.fromkeys(ROUTES, image))


@settings(max_examples=30)
@given(heads)
def test_a_head_survives_as_bytes(head: Head) -> None:
    assert from_bytes(to_bytes(head)) == head


@settings(max_examples=30)
@given(heads)
def test_the_checkpoints_are_kept_a_second_time_for_a_start_without_keys(head: Head) -> None:
    kept = plain_images_from_bytes(plain_images_to_bytes(head))
    assert kept == [each for each in (head.checkpoint, head.spare) if each is not None]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["keys", "version", "images", "slot", *ROUTES]), inner)
    ),
    max_leaves=6,
)
heads_without_something = st.tuples(heads, st.sampled_from(["keys", "checkpoint"]), json_values)


@pytest.mark.parametrize("read", [from_bytes, plain_images_from_bytes])
@settings(max_examples=50)
@given(value=json_values)
def test_other_json_is_refused_with_the_errors_that_are_named(
    read: Callable[[bytes], object], value: Any
) -> None:
    try:
        read(json.dumps(value).encode())
    except (ValueError, LookupError, TypeError):
        pass


@settings(max_examples=50)
@given(heads_without_something)
def test_a_head_with_a_wrong_part_is_refused_with_the_errors_that_are_named(
    case: tuple[Head, str, Any],
) -> None:
    head, name, value = case
    plain = json.loads(to_bytes(head)) | {name: value}
    try:
        from_bytes(json.dumps(plain).encode())
    except (ValueError, LookupError, TypeError):
        pass


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 10_000 + b"]" * 10_000])
def test_images_that_are_no_json_or_too_deep_for_a_browser_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        plain_images_from_bytes(data)


@pytest.mark.parametrize(
    ("data_key", "is_worn"),
    [
        (key(), False),
        (key(uses_bound=999), False),
        (key(uses_bound=1_000), True),
        (key(created_ms=NOW_MS - 90 * DAY_MS), False),
        (key(created_ms=NOW_MS - 90 * DAY_MS - 1), True),
        (key(created_ms=NOW_MS + 900 * DAY_MS), False),
    ],
    ids=["new", "used", "used up", "old", "too old", "clock set back"],
)
def test_a_key_is_worn_by_uses_or_age(data_key: DataKey, is_worn: bool) -> None:
    assert data_key.is_worn(LIMITS, NOW_MS) is is_worn


@pytest.mark.parametrize(("bound", "used", "expected"), [(0, 0, 100), (500, 20, 600), (5, 7, 107)])
def test_uses_are_reserved_beyond_all_that_may_have_been_used(
    bound: int, used: int, expected: int
) -> None:
    head = Head(3, 2, (key("old", uses_bound=9), key("new", uses_bound=bound)))

    reserved = head.with_reserved(LIMITS, used)

    assert [each.uses_bound for each in reserved.keys] == [9, expected]
    assert (reserved.version, reserved.current.key_id) == (3, "new")


@pytest.mark.parametrize(
    ("needed", "kept"),
    [
        ([], ["c"]),
        (["a"], ["a", "c"]),
        (["b", "c", "gone"], ["b", "c"]),
        (["a", "b"], ["a", "b", "c"]),
    ],
)
def test_keys_that_nothing_needs_go_and_the_current_one_stays(
    needed: list[str], kept: list[str]
) -> None:
    head = Head(1, 1, (key("a"), key("b"), key("c"))).with_keys(needed)
    assert [each.key_id for each in head.keys] == kept


def test_a_checkpoint_is_written_into_the_slot_that_is_not_in_use() -> None:
    assert other_slot(None) == "a"
    assert other_slot(checkpoint("a")) == "b"
    assert other_slot(checkpoint("b")) == "a"


def test_the_pieces_of_a_checkpoint_have_keys_of_their_own() -> None:
    assert piece_keys(checkpoint("b", pieces=2)) == [
        "b-sealed-00000",
        "b-sealed-00001",
        "b-plain-00000",
        "b-plain-00001",
    ]
    assert checkpoint("b", pieces=2).size_bytes == 40


def test_without_a_checkpoint_the_log_begins_at_its_start() -> None:
    assert base_of(None, "sealed") == START == base_of(no_checkpoint("a"), "plain")
    assert Head(1, 1).base("plain") == START
    assert Head(1, 1, checkpoint=checkpoint("a", sequence=7)).base("plain").sequence == 7
    assert piece_keys(no_checkpoint("a")) == []
