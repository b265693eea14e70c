"""Fallbacks in task.toml and manifests: one of three kinds, and nothing a page could not get."""

import datetime
import json
import math
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, RefusedError, TaskError, TrustError
from edge_runtime.pure.fallback import Fallback, Fallbacks
from edge_runtime.pure.manifest import from_task_toml, parse_manifest
from edge_runtime.types import FallbackKind

TOML = {"name": "Rank", "version": "1.0.0", "system_code": "demo", "business_code": "rank"}
FILES = {"main.py": b""}


def parsed(fallback: Any) -> Fallback | None:
    return from_task_toml({**TOML, "fallback": fallback}, FILES).fallback


@pytest.mark.parametrize(
    ("plain", "fallback"),
    [
        ({"value": {"skus": [1, 2]}}, Fallback(FallbackKind.VALUE, {"skus": [1, 2]})),
        ({"value": False}, Fallback(FallbackKind.VALUE, False)),
        ({"last": True}, Fallback(FallbackKind.LAST)),
        ({"task": "Simple"}, Fallback(FallbackKind.TASK, task="Simple")),
    ],
)
def test_each_kind_is_read_and_survives_the_bundle(plain: Any, fallback: Fallback) -> None:
    manifest = from_task_toml({**TOML, "fallback": plain}, FILES)

    assert manifest.fallback == fallback
    assert parse_manifest(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_without_one_the_manifest_says_nothing() -> None:
    manifest = from_task_toml(TOML, FILES)

    assert manifest.fallback is None
    assert "fallback" not in manifest.to_dict()


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "task.toml at fallback: expected at least 1 entries"),
        ({"last": True, "task": "Simple"}, "task.toml at fallback: expected at most 1 entries"),
        ({"last": False}, "task.toml at fallback.last: expected one of True"),
        ({"task": "a b"}, "task.toml at fallback.task: expected Task name of letters"),
        ({"task": "Rank"}, "task.toml at fallback.task: expected another task, got"),
        ({"first": 1}, "task.toml at fallback.first: expected one of the fields value, last, task"),
        ({"value": {"at": datetime.date(2024, 1, 1)}}, "fallback.value.at: expected JSON-able"),
        ({"value": [math.inf]}, r"fallback.value\[0\]: expected a finite number"),
    ],
)
def test_a_wrong_one_says_where_and_what(plain: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parsed(plain)


def test_a_wrong_one_in_a_bundle_makes_the_bundle_invalid() -> None:
    manifest = {**from_task_toml(TOML, FILES).to_dict(), "fallback": {"task": "Rank"}}

    with pytest.raises(TrustError, match=r"manifest at fallback.task: expected another") as refused:
        parse_manifest(manifest)

    assert refused.value.code == "bundle-invalid"


REFUSED = RefusedError("circuit-open", "open", {"breaker": "Rank", "retryAfterMs": 5})
LAST = Fallback(FallbackKind.LAST)


def test_a_fixed_value_or_another_task_stands_in() -> None:
    fallbacks = Fallbacks()
    for fallback in (Fallback(FallbackKind.VALUE, [1]), Fallback(FallbackKind.TASK, task="Simple")):
        assert fallbacks.instead("Rank", fallback, REFUSED) == fallback


def test_the_last_good_value_stands_in_once_there_is_one() -> None:
    fallbacks = Fallbacks()
    assert fallbacks.instead("Rank", LAST, REFUSED) is None

    for value in ([1], [2]):
        fallbacks.returned("Rank", LAST, value)

    assert fallbacks.instead("Rank", LAST, REFUSED) == Fallback(FallbackKind.LAST, [2])
    assert fallbacks.instead("Other", LAST, REFUSED) is None


def test_what_a_caller_does_to_its_value_changes_nothing_for_the_next() -> None:
    fallbacks, fixed, value = Fallbacks(), Fallback(FallbackKind.VALUE, [1]), [1]
    fallbacks.returned("Rank", LAST, value)
    value.append(2)
    for fallback in (LAST, fixed):
        got = fallbacks.instead("Rank", fallback, REFUSED)
        assert got is not None
        got.value.append(2)

    for fallback in (LAST, fixed):
        again = fallbacks.instead("Rank", fallback, REFUSED)
        assert again is not None and again.value == [1]


@pytest.mark.parametrize(
    "error",
    [
        TaskError("task-raised", "it raised"),
        RefusedError("queue-full", "full"),
        RefusedError("circuit-open", "a model's", {"breaker": "ranker@wasm", "retryAfterMs": 5}),
    ],
)
def test_nothing_stands_in_for_other_errors(error: Any) -> None:
    assert Fallbacks().instead("Rank", Fallback(FallbackKind.VALUE, 1), error) is None
    assert Fallbacks().instead("Rank", None, REFUSED) is None
