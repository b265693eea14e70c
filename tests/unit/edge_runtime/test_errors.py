"""The error tree: the vectors both languages share, and the plain form."""

import json
from pathlib import Path

import pytest
from edge_runtime.errors import (
    FAMILIES,
    NUMBERS,
    ConfigError,
    EdgeError,
    HostError,
    error_from_dict,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "errors.json").read_text())["errors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["code"])
def test_every_code_has_the_number_and_family_of_the_vectors(vector: dict[str, object]) -> None:
    number = NUMBERS[str(vector["code"])]
    assert number == vector["number"]
    assert FAMILIES[number // 1000].__name__ == vector["family"]


def test_the_vectors_hold_every_code_once() -> None:
    assert [vector["code"] for vector in VECTORS] == list(NUMBERS)
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_an_error_survives_its_plain_form() -> None:
    error = HostError("storage-full", "storage: expected room, got none.", {"bytes": 5})
    rebuilt = error_from_dict(json.loads(json.dumps(error.to_dict())))

    assert type(rebuilt) is HostError
    assert (
        rebuilt.to_dict()
        == error.to_dict()
        == {
            "code": "storage-full",
            "number": 3003,
            "message": "storage: expected room, got none.",
            "details": {"bytes": 5},
        }
    )
    assert str(rebuilt) == error.message


def test_a_code_of_another_family_is_a_programming_mistake() -> None:
    with pytest.raises(TypeError, match="storage-full belongs to HostError, not ConfigError"):
        ConfigError("storage-full", "text")


def test_an_unknown_code_is_a_programming_mistake() -> None:
    with pytest.raises(KeyError):
        EdgeError("no-such-code", "text")
