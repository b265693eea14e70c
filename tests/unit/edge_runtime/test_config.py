"""Configurations: the native file, defaults, and a message for every mistake."""

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from edge_runtime.config import (
    Config,
    EventsRule,
    KeyRule,
    ModelConfig,
    Variant,
    parse_config,
    warm,
)
from edge_runtime.config_container import with_vms
from edge_runtime.config_models import ExternalFile, InferenceConfig
from edge_runtime.config_triggers import EventPattern, Trigger
from edge_runtime.errors import ConfigError
from edge_runtime.types import Priority
from hypothesis import given
from hypothesis import strategies as st

SCHEMAS = Path(__file__).parents[3] / "py" / "edge_runtime" / "schemas"
PATTERN = {"type": "mta", "pageId": "JD_XXXX", "needPv": False, "clickIds": ["JD_XXXX"]}
SHA = "Ab" * 32


def with_pattern(**changes: Any) -> dict[str, Any]:
    return {"triggers": [{"taskName": "T", "events": [{**PATTERN, **changes}]}]}


def with_variant(**changes: Any) -> dict[str, Any]:
    variant = {"url": "m.onnx", "sha256": SHA, **changes}
    return {"models": {"ranker": {"variants": [variant]}}}


def with_model(**changes: Any) -> dict[str, Any]:
    return {"models": {"ranker": {**with_variant()["models"]["ranker"], **changes}}}


def test_the_native_file_parses_unchanged() -> None:
    native = {"triggers": [{"taskName": "InferTask", "events": [PATTERN]}]}

    pattern = EventPattern("mta", "JD_XXXX", need_pv=False, click_ids=("JD_XXXX",))
    assert parse_config(native) == Config(triggers=(Trigger("InferTask", (pattern,)),))


def test_an_empty_configuration_is_all_defaults() -> None:
    config = parse_config({})

    assert config == Config()
    assert config.data.events == EventsRule(True, max_age_days=30, max_rows=100_000, max_bytes=None)
    assert parse_config({"data": {"keys": [{"prefix": "p."}]}}).data.keys == (
        KeyRule("p.", True, max_age_days=None, max_rows=None, max_bytes=None),
    )
    assert config.scheduler.max_running == 4
    assert list(config.scheduler.queue_limits.values()) == [256, 256, 256]


def test_every_field_is_read() -> None:
    config = parse_config(
        {
            "schemaVersion": 1,
            "systemCode": "shop",
            "bundles": ["tasks/a.edge"],
            **with_variant(backend="webgpu"),
            "data": {
                "events": {"encrypted": False, "maxAgeDays": 0.5, "maxRows": 10, "maxBytes": 900},
                "keys": [
                    {"prefix": "ui.", "encrypted": False},
                    {"prefix": "p.", "maxAgeDays": 9, "maxRows": 8, "maxBytes": 7},
                ],
            },
            "scheduler": {"maxRunning": 2, "queueLimits": {"core": 1}, "ageingMs": 500},
        }
    )

    assert (config.system_code, config.bundles) == ("shop", ("tasks/a.edge",))
    assert config.models == {"ranker": ModelConfig((Variant("m.onnx", SHA.lower(), "webgpu"),))}
    assert config.data.events == EventsRule(False, 0.5, max_rows=10, max_bytes=900)
    assert config.data.keys == (
        KeyRule("ui.", False),
        KeyRule("p.", True, max_age_days=9, max_rows=8, max_bytes=7),
    )
    assert config.scheduler.queue_limits[Priority.CORE] == 1
    assert config.scheduler.queue_limits[Priority.LOW] == 256
    assert config.scheduler.ageing_ms == 500


def test_every_field_of_a_model_is_read() -> None:
    weights = {"path": "w.bin", "url": "m/w.bin", "sha256": SHA}
    sealed = {"task": "Rank", "key": "model.key"}
    more = {"precision": "fp16", "backends": ["webgpu"], "requires": ["shader-f16"]}
    plain = with_variant(**more, minMemoryGb=4, external=[weights], sealed=sealed)
    plain["models"]["ranker"] |= {
        "golden": "m.golden.json", "dimensions": {"batch": 1}, "pin": "webgpu", "forbid": ["webnn"],
    }  # fmt: skip

    (variant,) = parse_config(plain).models["ranker"].variants

    digest = SHA.lower()
    assert variant == Variant(
        "m.onnx",
        digest,
        precision="fp16",
        backends=("webgpu",),
        requires=("shader-f16",),
        min_memory_gb=4,
        external=(ExternalFile("w.bin", "m/w.bin", digest),),
        key_resource=("Rank", "model.key"),
    )
    assert parse_config(plain).models["ranker"] == ModelConfig(
        (variant,), "m.golden.json", {"batch": 1}, "webgpu", ("webnn",)
    )


def test_every_field_of_inference_is_read() -> None:
    plain = {"inference": {"wasmLanes": 2, "memoryBudgetMb": 64, "measure": False}}

    assert parse_config(plain).inference == InferenceConfig(2, 64 * 2**20, measure=False)
    assert parse_config({}).inference == InferenceConfig(None, None, measure=True)


MISTAKES: list[tuple[object, str]] = [
    ([], "config: expected object, got [] (array)."),
    ("x", 'config: expected object, got "x" (string).'),
    (
        {"trigers": []},
        "config at trigers: expected one of the fields schemaVersion, systemCode, bundles, models, "
        "triggers, data, inference, scheduler, vms, container, trust, got [] (array). Remove it "
        "or correct its spelling.",
    ),
    ({"schemaVersion": 2}, "config at schemaVersion: expected one of 1, got 2 (number)."),
    ({"triggers": None}, "config at triggers: expected array of objects, got null."),
    (
        with_pattern(clickIds=5),
        "config at triggers[0].events[0].clickIds: expected array of strings, got 5 (number). "
        'Ids of clicks that match. Write, for example, ["item"].',
    ),
    (
        with_pattern(clickIds=["a", 7]),
        "config at triggers[0].events[0].clickIds[1]: expected string, got 7 (number).",
    ),
    (
        with_pattern(needPv="yes"),
        'config at triggers[0].events[0].needPv: expected boolean, got "yes" (string).',
    ),
    (
        with_pattern(clickIds=[]),
        "config at triggers[0].events[0]: expected needPv or needExit true, or at least one of",
    ),
    (
        with_pattern(withinMs=1),
        "config at triggers[0].events[0].withinMs: expected one of the fields type, pageId,",
    ),
    (
        {"triggers": [{"taskName": "T"}]},
        "config at triggers[0]: expected exactly one of events and sequence, got",
    ),
    (
        {"triggers": [{"taskName": "T", "events": []}]},
        "config at triggers[0].events: expected at least 1 entries, got [] (array).",
    ),
    (
        with_variant(sha256="abc"),
        "config at models.ranker.variants[0].sha256: expected SHA-256 digest of 64 hexadecimal "
        'digits, got "abc" (string).',
    ),
    (
        with_variant(backend="gpu"),
        "config at models.ranker.variants[0].backend: expected one of wasm, webgpu, webnn, got",
    ),
    (
        with_variant(precision="fp8"),
        "config at models.ranker.variants[0].precision: expected one of fp32, fp16, int8, got",
    ),
    (
        with_variant(minMemoryGb=0),
        "config at models.ranker.variants[0].minMemoryGb: expected a number above 0, got 0",
    ),
    (
        with_variant(sealed={"task": "Rank"}),
        "config at models.ranker.variants[0].sealed: expected an object with key, got",
    ),
    (
        with_model(pin="webgpu", forbid=["webnn", "webgpu"]),
        "config at models.ranker.pin: expected a backend that is not under forbid, got "
        '"webgpu" (string). Remove one.',
    ),
    (
        with_model(dimensions={"batch": 0}),
        "config at models.ranker.dimensions.batch: expected a number from 1 up, got 0 (number).",
    ),
    (
        {"inference": {"wasmLanes": 5}},
        "config at inference.wasmLanes: expected a number up to 4, got 5 (number).",
    ),
    (
        {"inference": {"memoryBudgetMb": 15}},
        "config at inference.memoryBudgetMb: expected a number from 16 up, got 15 (number).",
    ),
    (
        {"inference": {"measure": 1}},
        "config at inference.measure: expected boolean, got 1 (number).",
    ),
    ({"models": {"a b": {"variants": []}}}, "config at models"),
    (
        {"bundles": ["a", "b", "a"]},
        'config at bundles[2]: expected each entry once, got "a" (string). Remove the second',
    ),
    (
        {"data": {"keys": [{"prefix": "a"}, {"prefix": "a"}]}},
        'config at data.keys[1].prefix: expected each entry once, got "a" (string). Merge',
    ),
    (
        {"data": {"events": {"maxAgeDays": 0}}},
        "config at data.events.maxAgeDays: expected a number above 0, got 0 (number).",
    ),
    (
        {"data": {"events": {"maxBytes": 0}}},
        "config at data.events.maxBytes: expected a number from 1 up, got 0 (number). Bytes of "
        "text kept, UTF-8, before compression; the oldest entries go first. Write, for example, 10",
    ),
    (
        {"data": {"events": {"maxBytes": 2**31}}},
        "config at data.events.maxBytes: expected a number up to 1073741824, got 2147483648",
    ),
    (
        {"data": {"keys": [{"prefix": "a", "maxBytes": "1 MB"}]}},
        'config at data.keys[0].maxBytes: expected integer, got "1 MB" (string).',
    ),
    (
        {"data": {"keys": [{"prefix": "a", "maxRows": 0}]}},
        "config at data.keys[0].maxRows: expected a number from 1 up, got 0 (number).",
    ),
    (
        {"data": {"keys": [{"prefix": "a", "maxRow": 1}]}},
        "config at data.keys[0].maxRow: expected one of the fields prefix, encrypted, maxAgeDays, "
        "maxRows, maxBytes, got 1 (number).",
    ),
    (
        {"scheduler": {"maxRunning": True}},
        "config at scheduler.maxRunning: expected integer, got true (boolean).",
    ),
    (
        {"scheduler": {"ageingMs": 0}},
        "config at scheduler.ageingMs: expected a number from 1 up, got 0 (number).",
    ),
    (
        {"scheduler": {"queueLimits": {"hot": 1}}},
        "config at scheduler.queueLimits.hot: expected one of the fields core, regular, low, got",
    ),
]


@pytest.mark.parametrize(("plain", "message"), MISTAKES, ids=[text[:50] for _, text in MISTAKES])
def test_a_mistake_is_refused_with_place_expectation_and_value(plain: Any, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(plain)

    error = refused.value
    assert error.code == "config-invalid"
    assert error.message.startswith(message)
    assert set(error.details) == {"path", "expected", "value"}


NUMERIC: dict[str, Any] = {
    "schemaVersion": 1,
    "data": {
        "events": {"maxAgeDays": 1, "maxRows": 1, "maxBytes": 1},
        "keys": [{"prefix": "p.", "maxAgeDays": 1, "maxRows": 1, "maxBytes": 1}],
    },
    "triggers": [
        {
            "taskName": "T", "sequence": [PATTERN, {**PATTERN, "where": {"a": 1, "b": {"ne": 1}}}],
            "withinMs": 1, "count": {"times": 2, "withinMs": 1}, "cooldownMs": 1, "sample": 1,
            "expiresAt": 2e12,
        },
        {
            "taskName": "T", "events": [{**PATTERN, "where": {
                "c": {"eq": 1}, "d": {"gt": 1, "lt": 9}, "e": {"gte": 1, "lte": 9},
                "f": {"in": [1]}, "g": {"notIn": [1]},
            }}],
        },
    ],
    "models": {
        "m": {
            "variants": [{"url": "m.onnx", "sha256": SHA, "minMemoryGb": 1}],
            "dimensions": {"batch": 1},
        },
    },
    "inference": {"wasmLanes": 1, "memoryBudgetMb": 16},
    "vms": 1,
    "container": {"memoryMb": 64, "recycleMb": 64, "recycleRuns": 1, "idleMs": 1_000},
    "scheduler": {
        "maxRunning": 1, "queueLimits": {"core": 1, "regular": 1, "low": 1}, "ageingMs": 1,
        "breaker": {
            "minCalls": 1, "failureShare": 1, "slowMs": 1, "slowShare": 1, "windowMs": 1,
            "openMs": 1, "maxOpenMs": 1, "halfOpenCalls": 1,
        },
    },
}  # fmt: skip


def numbers(plain: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
        if isinstance(value, dict | list):
            yield from numbers(value, (*path, key))
        elif type(value) in (int, float):
            yield (*path, key)


@pytest.mark.parametrize("path", list(numbers(NUMERIC)), ids=str)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_every_number_is_finite(path: tuple[str | int, ...], number: float) -> None:
    plain = copy.deepcopy(NUMERIC)
    assert parse_config(plain)
    *outer, last = path
    inside = plain
    for key in outer:
        inside = inside[key]  # type: ignore[index]
    inside[last] = number  # type: ignore[index]

    with pytest.raises(ConfigError) as refused:
        parse_config(plain)

    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]
    assert refused.value.details["path"] == shown
    assert refused.value.message.startswith(f"config at {shown}: expected ")


def numeric_settings(schema: dict[str, Any], node: object) -> Iterator[str]:
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from numeric_settings(schema, part)
    properties = node.get("properties", {}) if isinstance(node, dict) else {}
    for name, part in properties.items():
        part = schema["definitions"].get(part.get("$ref", "").rpartition("/")[2], part)
        if {"number", "integer"} & {
            *([part["type"]] if type(part["type"]) is str else part["type"])
        }:
            yield name


def test_no_numeric_setting_is_forgotten_above() -> None:
    schema = json.loads((SCHEMAS / "config.schema.json").read_text())
    settings = set(numeric_settings(schema, schema))

    assert len(settings) > 25
    assert settings <= {path[-1] for path in numbers(NUMERIC)}


def test_the_callers_object_is_left_as_it_was() -> None:
    plain = with_pattern()
    before = json.dumps(plain)
    parse_config(plain)
    assert json.dumps(plain) == before


def test_the_validators_compile_before_they_are_needed() -> None:
    warm()
    assert parse_config({}) == Config()


def test_a_number_that_python_does_not_write_is_refused_like_any_other() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"triggers": [{"taskName": 10**5_000, "events": [PATTERN]}]})

    assert "taskName: expected string, got a number too long to write (number)." in (
        refused.value.message
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = [
    "triggers", "models", "data", "inference", "bundles", "scheduler", "systemCode", "schemaVersion"
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), values))
def test_any_json_parses_or_is_refused_with_our_error(plain: dict[str, Any]) -> None:
    try:
        parse_config(plain)
    except ConfigError as error:
        assert error.message.startswith("config")


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_every_example_of_a_schema_satisfies_it(path: Path) -> None:
    schema = json.loads(path.read_text())

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if "examples" in node and "$schema" not in node:
                validate = fastjsonschema.compile(
                    {"definitions": schema.get("definitions", {}), **node}
                )
                for example in node["examples"]:
                    validate(example)
                assert node["title"] and ("description" in node or "pattern" in node)
            for child in node.values():
                visit(child)
        elif isinstance(node, list):
            for child in node:
                visit(child)

    visit(schema["properties"])
    visit(schema.get("definitions", {}))
    validate = fastjsonschema.compile(schema)
    for example in schema["examples"]:
        validate(example)


@pytest.mark.parametrize(("asked", "vms"), [(None, 3), ("auto", None), (0, 0), (8, 8)])
def test_a_page_may_ask_for_other_vms(asked: int | str | None, vms: int | None) -> None:
    configured = parse_config({"vms": 3, "container": {"memoryMb": 100}}).container

    assert with_vms(configured, asked) == replace(configured, vms=vms)
