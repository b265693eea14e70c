"""What a start tells about damage, as data and in words."""

import json

import pytest
from edge_runtime.pure.damage import Damage, corrupt, key_lost

FIRST = Damage("sealed", "000000000004", "000000000006", "missing")
OTHER = Damage("meta", "head", "head", "seal-broken")


def test_all_places_are_listed_and_the_first_is_named() -> None:
    error = corrupt([FIRST, OTHER, OTHER])

    assert error.code == "store-corrupt"
    assert error.message.startswith(
        "store: expected every record as it was written, got sealed 000000000004 to 000000000006 "
        "missing and 2 more places. They are left out and moved aside"
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


@pytest.mark.parametrize("records", [0, 12])
def test_a_lost_key_says_how_much_went_with_it(records: int) -> None:
    error = key_lost(records, 3_400)

    assert error.code == "key-lost"
    assert f"sealed {records} records (3400 bytes), got none" in error.message
    assert error.details == {"records": records, "bytes": 3_400}
