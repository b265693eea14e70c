"""What a start tells about damage, as data and in words."""

import json

import pytest
from edge_runtime.pure.damage import Damage, corrupt, defect, key_lost

FIRST = Damage("sealed", "000000000004", "000000000006", "missing")
OTHER = Damage("meta", "head", "head", "seal-broken")


def test_all_places_are_listed_and_the_first_is_named() -> None:
    error = corrupt([FIRST, OTHER, OTHER])

    assert error.code == "store-corrupt"
    assert error.message.startswith(
        "store: expected every record as it was written, got sealed 000000000004 to 000000000006 "
        "missing and 2 more places. They are left out, the rest is in use"
    )
    assert json.loads(json.dumps(error.details)) == {
        "ranges": [FIRST.to_dict(), OTHER.to_dict(), OTHER.to_dict()]
    }
    assert OTHER.to_dict() == {
        "store": "meta",
        "first": "head",
        "last": "head",
        "reason": "seal-broken",
    }


def test_one_place_is_not_counted() -> None:
    assert "head seal-broken. They" in corrupt([OTHER]).message


@pytest.mark.parametrize(
    ("store", "reason", "is_aside"),
    [
        ("sealed", "seal-broken", True),
        ("sealed", "other-history", True),
        ("sealed", "unexpected", True),
        ("sealed", "missing", False),
        ("plain", "seal-broken", False),
        ("checkpoint", "seal-broken", False),
        ("meta", "seal-broken", False),
    ],
)
def test_only_sealed_segments_that_are_there_are_said_to_be_moved_aside(
    store: str, reason: str, is_aside: bool
) -> None:
    message = corrupt([OTHER, Damage(store, "1", "2", reason)]).message

    assert ("sealed segments among them are moved aside" in message) == is_aside
    assert "the rest is in use" in message


@pytest.mark.parametrize(
    ("reason", "got"),
    [("rolled-back", "an older state of it"), ("missing", "none")],
)
def test_of_a_whole_database_nothing_is_said_to_be_in_use(reason: str, got: str) -> None:
    message = corrupt([OTHER, Damage("edge-store", "head", "head", reason)]).message

    assert f"expected the database as it was last written, got {got}" in message
    assert "All that was there is deleted and the store begins afresh" in message
    assert "in use" not in message and "aside" not in message


@pytest.mark.parametrize("records", [0, 12])
def test_a_lost_key_says_how_much_went_with_it(records: int) -> None:
    error = key_lost(records, 3_400)

    assert error.code == "key-lost"
    assert f"sealed {records} records (3400 bytes), got none" in error.message
    assert "plain" not in error.message
    assert error.details == {
        "records": records,
        "bytes": 3_400,
        "plainRecords": 0,
        "droppedRows": 0,
    }


def test_a_lost_key_says_how_much_plain_data_went() -> None:
    error = key_lost(12, 3_400, plain_records=5, dropped_rows=7)

    assert "5 of them are plain" in error.message
    assert "7 plain rows" in error.message
    assert (error.details["plainRecords"], error.details["droppedRows"]) == (5, 7)


def test_a_defect_is_told_with_where_it_was() -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        told = defect("commits", error)

    assert told.code == "storage-failed"
    assert told.message.startswith("commits: expected no exception, got KeyError")
    assert "test_damage.py" in told.details["traceback"]
