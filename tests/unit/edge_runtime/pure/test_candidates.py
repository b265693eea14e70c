from typing import Any

import pytest
from edge_runtime.pure.candidates import KEYS, Choices, Pins, candidates
from edge_runtime.pure.device import DeviceFacts
from edge_runtime.pure.refusals import names
from edge_runtime.types import Conditions, TensorSpec
from hypothesis import given
from hypothesis import strategies as st

from .devices import DEVICES
from .test_device import FACTS, JSON

F16 = Conditions(precision="fp16", requires=("shader-f16",))
FIXED = TensorSpec("image", "float32", (1, 3, 224, 224))
FREE = TensorSpec("rows", "float32", (None, 64))


def told(choices: Choices) -> list[str]:
    """Spell candidates as ``backend build threads``."""
    return [f"{it.key} {it.build} {it.threads}" for it in choices.candidates]


def reason(choices: Choices, backend: str) -> str:
    return next(it.reason for it in choices.refused if it.backend == backend)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test chromium", ["wasm wasm 1", "webnn-cpu jspi 1"]),
        ("desktop chrome", ["wasm wasm 4", "wasm wasm 1", "webgpu jspi 1"]),
        ("not isolated", ["wasm wasm 1", "webgpu jspi 1"]),
        ("strict policy", ["wasm wasm 4", "wasm wasm 1", "webgpu jspi 1"]),
        ("low-end web view", ["wasm wasm 1"]),
        ("mini-program", ["wasm wasm 1"]),
        ("firefox", ["wasm wasm 4", "wasm wasm 1", "webgpu asyncify 1"]),
        ("iphone 17", ["wasm wasm 1"]),
        ("iphone 26", ["wasm wasm 1"]),
        ("mac safari 26", ["wasm wasm 4", "wasm wasm 1"]),
        ("mac safari 16", ["wasm wasm 1"]),
        ("no simd", []),
    ],
)
def test_candidates_by_device(name: str, expected: list[str]) -> None:
    assert told(candidates(DEVICES[name])) == expected


def test_every_kind_of_webnn_is_a_candidate_of_its_own() -> None:
    choices = candidates(DEVICES["chrome with everything"])

    assert told(choices)[2:] == [
        "webgpu jspi 1",
        "webnn-cpu jspi 1",
        "webnn-gpu jspi 1",
        "webnn-npu jspi 1",
    ]
    assert not choices.refused


@pytest.mark.parametrize(
    ("name", "backend", "words"),
    [
        ("test chromium", "webgpu", "software adapter (google), many times slower than wasm"),
        ("test chromium", "webnn-gpu", "gave the CPU's in its place"),
        ("desktop chrome", "webnn", "does not offer it"),
        ("strict policy", "webnn", "inference-worker.js with 'unsafe-eval'"),
        ("low-end web view", "webgpu", "2 GB of memory are too little"),
        ("mini-program", "webgpu", "does not offer it"),
        ("iphone 26", "webgpu", "WebKit ends pages"),
        ("mac safari 26", "webgpu", "WebKit ends pages"),
        ("no simd", "wasm", "WebAssembly SIMD"),
        ("no simd", "webnn", "WebAssembly SIMD"),
    ],
)
def test_reasons_by_device(name: str, backend: str, words: str) -> None:
    assert words in reason(candidates(DEVICES[name]), backend)


@pytest.mark.parametrize(
    ("name", "pin", "expected"),
    [
        ("test chromium", "webgpu", ["webgpu jspi 1"]),
        ("iphone 26", "webgpu", ["webgpu asyncify 1"]),
        ("low-end web view", "webgpu", ["webgpu asyncify 1"]),
        ("desktop chrome", "wasm", ["wasm wasm 4", "wasm wasm 1"]),
        ("chrome with everything", "webnn-npu", ["webnn-npu jspi 1"]),
        ("test chromium", "webnn", ["webnn-cpu jspi 1"]),
    ],
)
def test_a_pin_takes_risks_and_leaves_nothing_else(
    name: str, pin: str, expected: list[str]
) -> None:
    choices = candidates(DEVICES[name], pins=Pins(pin))

    assert told(choices) == expected
    other = "webgpu" if pin == "wasm" else "wasm"
    assert reason(choices, other) == f"the configuration pins {pin}"


@pytest.mark.parametrize(
    ("name", "pin", "words"),
    [
        ("iphone 17", "webgpu", "does not offer it"),
        ("strict policy", "webnn", "'unsafe-eval'"),
        ("test chromium", "webnn-npu", "gave the CPU's in its place"),
        ("chrome with everything", "cuda", "expected one of wasm, webgpu"),
    ],
)
def test_a_pin_that_is_impossible_leaves_wasm_and_tells_why(
    name: str, pin: str, words: str
) -> None:
    choices = candidates(DEVICES[name], pins=Pins(pin))

    assert {it.key for it in choices.candidates} == {"wasm"}
    assert words in reason(choices, pin)


def test_what_is_forbidden_is_not_offered_even_if_pinned() -> None:
    facts = DEVICES["chrome with everything"]

    choices = candidates(facts, pins=Pins("webgpu", frozenset({"webgpu", "webnn"})))

    assert {it.key for it in choices.candidates} == {"wasm"}
    assert reason(choices, "webgpu") == reason(choices, "webnn") == "the configuration forbids it"
    assert not candidates(DEVICES["mini-program"], pins=Pins(forbid=frozenset({"wasm"}))).candidates


def test_one_device_of_webnn_can_be_forbidden() -> None:
    pins = Pins(forbid=frozenset({"webnn-gpu"}))

    offered = {it.key for it in candidates(DEVICES["chrome with everything"], pins=pins).candidates}

    assert offered == {*KEYS} - {"webnn-gpu"}


@pytest.mark.parametrize(
    ("name", "expected"), [("desktop chrome", {"webgpu"}), ("gpu without f16", set())]
)
def test_half_precision_only_where_the_adapter_has_it(name: str, expected: set[str]) -> None:
    choices = candidates(DEVICES[name], F16)

    assert {it.key for it in choices.candidates} == expected
    assert reason(choices, "wasm") == "the variant requires shader-f16, which is WebGPU's"
    if not expected:
        assert reason(choices, "webgpu") == "intel does not have shader-f16"


def test_a_pin_does_not_give_an_adapter_what_it_lacks() -> None:
    assert not candidates(DEVICES["gpu without f16"], F16, Pins("webgpu")).candidates


def test_a_variant_is_for_the_backends_it_names() -> None:
    conditions = Conditions(backends=("webnn-npu", "webgpu"), requires=("shader-f16",))

    choices = candidates(DEVICES["chrome with everything"], conditions)

    assert [it.key for it in choices.candidates] == ["webgpu", "webnn-npu"]
    assert reason(choices, "wasm") == "the variant is for webnn-npu, webgpu"


@pytest.mark.parametrize(
    ("name", "least_gb", "words"),
    [
        ("desktop chrome", 8, None),
        ("small notebook", 8, "wants 8 GB of memory, the device has 4"),
        ("firefox", 4, None),
        ("firefox", 6, "the device has 4, assumed since the browser tells nothing"),
        ("iphone 17", 4, "the device has 2, assumed since"),
        ("desktop chrome", float("nan"), "wants nan GB"),
    ],
)
def test_a_variant_wants_memory(name: str, least_gb: float, words: str | None) -> None:
    choices = candidates(DEVICES[name], Conditions(min_memory_gb=least_gb))

    assert bool(choices.candidates) == (words is None)
    if words:
        assert words in reason(choices, "wasm")


def test_free_dimensions_keep_webnn_away_until_they_are_given_sizes() -> None:
    facts = DEVICES["test chromium"]

    refused = candidates(facts, inputs=[FIXED, FREE])

    assert "input rows has a free dimension" in reason(refused, "webnn-cpu")
    assert "under the model's dimensions" in reason(refused, "webnn-cpu")
    assert "webnn-cpu jspi 1" in told(candidates(facts, inputs=[FIXED]))
    assert "webnn-cpu jspi 1" in told(candidates(facts, inputs=[FREE], dimensions={"n": 50}))


def test_free_dimensions_do_not_trouble_webgpu() -> None:
    assert "webgpu jspi 1" in told(candidates(DEVICES["desktop chrome"], inputs=[FREE]))


@pytest.mark.parametrize(
    "unspoken", [{"conditions": Conditions("fp16")}, {"inputs": [TensorSpec("x", "float16", (1,))]}]
)
def test_halves_want_the_feature_even_if_the_variant_does_not_say_so(
    unspoken: dict[str, Any],
) -> None:
    choices = candidates(DEVICES["gpu without f16"], **unspoken)

    assert {it.key for it in choices.candidates} == {"wasm"}
    assert reason(choices, "webgpu") == "intel does not have shader-f16"
    assert "webgpu jspi 1" in told(candidates(DEVICES["desktop chrome"], **unspoken))


@pytest.mark.parametrize("dtype", ["string", "float64", "int16", "uint16"])
def test_some_dtypes_are_for_wasm_only(dtype: str) -> None:
    facts = DEVICES["chrome with everything"]

    choices = candidates(facts, inputs=[TensorSpec("x", dtype, (1,))])

    assert {it.key for it in choices.candidates} == {"wasm"}
    assert reason(choices, "webgpu") == f"input x is {dtype}, which only wasm computes with"


@pytest.mark.parametrize("dtype", ["int64", "float16", "bool", "uint8"])
def test_other_dtypes_are_for_all(dtype: str) -> None:
    facts = DEVICES["chrome with everything"]

    assert not candidates(facts, inputs=[TensorSpec("x", dtype, (1,))]).refused


NAMES = st.sampled_from([*KEYS, "webnn", "cuda", ""])
CONDITIONS = st.builds(
    Conditions,
    backends=st.lists(NAMES, max_size=2).map(tuple),
    requires=st.lists(st.sampled_from(["shader-f16", "x"]), max_size=2).map(tuple),
    min_memory_gb=st.none() | st.floats(),
)
PINS = st.builds(Pins, st.none() | NAMES, st.frozensets(NAMES, max_size=2))
INPUTS = st.lists(
    st.builds(
        TensorSpec,
        st.text(max_size=3),
        st.sampled_from(["float32", "int64", "string", ""]),
        st.lists(st.none() | st.integers(0, 9), max_size=3).map(tuple),
    ),
    max_size=2,
)
DEVICE = st.sampled_from([*DEVICES.values()]) | (JSON | FACTS).map(DeviceFacts.from_plain)


@given(DEVICE, CONDITIONS, PINS, INPUTS, st.dictionaries(st.text(max_size=2), st.integers()))
def test_whatever_comes_each_backend_is_offered_or_refused_with_a_reason(
    facts: DeviceFacts,
    conditions: Conditions,
    pins: Pins,
    inputs: list[TensorSpec],
    dimensions: dict[str, int],
) -> None:
    choices = candidates(facts, conditions, pins, inputs, dimensions)

    offered = {it.key for it in choices.candidates}
    for key in KEYS:
        assert any(names(it.backend, key) for it in choices.refused) == (key not in offered)
    assert all(it.reason for it in choices.refused)
    assert "wasm" not in offered or choices.candidates[0].key == "wasm"
    assert not any(names(name, key) for name in pins.forbid for key in offered)


@given(DEVICE, NAMES)
def test_a_pin_leaves_itself_or_wasm(facts: DeviceFacts, pin: Any) -> None:
    choices = candidates(facts, pins=Pins(pin))

    offered = {it.key for it in choices.candidates}
    assert all(names(pin, key) for key in offered) or offered == {"wasm"}
    assert offered or not facts.simd
