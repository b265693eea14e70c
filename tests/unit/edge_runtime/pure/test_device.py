import json
from typing import Any

import pytest
from edge_runtime.pure.device import WEBNN_DEVICES, DeviceFacts
from hypothesis import given
from hypothesis import strategies as st

from .devices import DEVICES, PLAIN

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FACTS = st.fixed_dictionaries({}, optional=dict.fromkeys(PLAIN["desktop chrome"], JSON))


def test_what_the_probe_tells_is_read() -> None:
    facts = DEVICES["test chromium"]

    assert (facts.cores, facts.memory_gb, facts.engine) == (2, 8, "blink")
    assert facts.isolated and facts.simd and facts.relaxed_simd and facts.jspi
    assert facts.eval_allowed and not facts.mobile
    assert facts.major_version == 147
    assert facts.gpu and facts.gpu.software and facts.gpu.features == {"shader-f16"}
    assert (facts.gpu.max_buffer_bytes, facts.gpu.max_storage_bytes) == (2**28, 2**27)
    assert set(facts.webnn_missing) == {"gpu", "npu"}


def test_a_whole_api_that_is_missing_is_missing_on_each_device() -> None:
    facts = DEVICES["mini-program"]

    assert facts.gpu is None
    assert facts.gpu_missing == "this browser or page does not offer it"
    assert set(facts.webnn_missing.values()) == {"this browser or page does not offer it"}


@pytest.mark.parametrize("plain", [None, [], "facts", 7, {}, {"webgpu": [], "webnn": {"x": 1}}])
def test_what_is_unknown_is_not_there_with_the_reason(plain: Any) -> None:
    facts = DeviceFacts.from_plain(plain)

    assert (facts.isolated, facts.cores, facts.memory_gb, facts.jspi) == (False, 1, None, False)
    assert (facts.engine, facts.major_version, facts.gpu) == ("unknown", 0, None)
    assert facts.gpu_missing == "the probe said nothing about it"
    assert set(facts.webnn_missing) == set(WEBNN_DEVICES)
    assert facts.simd  # Or nothing at all would be tried.


@pytest.mark.parametrize("cores", [0, -1, True, "8", None, float("nan"), float("inf"), 10**400])
def test_impossible_figures_are_unknown(cores: Any) -> None:
    facts = DeviceFacts.from_plain({"cores": cores, "memoryGb": cores})

    assert (facts.cores, facts.memory_gb) == (1, None)


def test_an_adapter_that_says_nothing_is_taken_for_a_slow_one() -> None:
    gpu = DeviceFacts.from_plain({"webgpu": {"vendor": 7, "features": "shader-f16"}}).gpu

    assert gpu and gpu.software and gpu.name == "unnamed adapter" and not gpu.features


def test_the_fingerprint_changes_with_browser_and_adapter() -> None:
    known = {facts.fingerprint() for facts in DEVICES.values()}

    assert ("blink 147.0.7727.55", "nvidia") in known
    assert ("webkit 17.5", "") in known
    assert DEVICES["gpu without f16"].fingerprint() != DEVICES["desktop chrome"].fingerprint()
    assert DEVICES["iphone 26"].fingerprint() != DEVICES["iphone 17"].fingerprint()


@given(JSON | FACTS)
def test_no_reply_is_too_strange(plain: Any) -> None:
    facts = DeviceFacts.from_plain(plain)

    assert facts.cores >= 1
    assert (facts.gpu is None) == bool(facts.gpu_missing)
    assert all(facts.webnn_missing.values())
    assert all(isinstance(text, str) for text in facts.fingerprint())


@pytest.mark.parametrize("name", PLAIN)
def test_every_known_device_is_plain_json(name: str) -> None:
    assert DeviceFacts.from_plain(json.loads(json.dumps(PLAIN[name]))) == DEVICES[name]
