import pytest
from edge_runtime.pure.capacity import MIB, memory_budget_bytes, thread_count, wasm_lanes
from edge_runtime.pure.device import DeviceFacts
from hypothesis import given
from hypothesis import strategies as st

from .devices import DEVICES
from .test_device import FACTS, JSON


@pytest.mark.parametrize(
    ("name", "threads", "lanes", "budget_mib"),
    [
        ("desktop chrome", 4, 2, 1024),
        ("test chromium", 1, 1, 1024),
        ("not isolated", 1, 2, 1024),
        ("small notebook", 1, 1, 512),
        ("low-end web view", 1, 1, 256),
        ("mini-program", 1, 2, 1024),
        ("firefox", 4, 2, 512),
        ("iphone 17", 1, 1, 192),
        ("iphone 26", 1, 1, 192),
        ("mac safari 26", 4, 2, 512),
        ("mac safari 16", 1, 2, 512),
    ],
)
def test_capacity_by_device(name: str, threads: int, lanes: int, budget_mib: int) -> None:
    facts = DEVICES[name]

    assert thread_count(facts) == threads
    assert wasm_lanes(facts) == lanes
    assert memory_budget_bytes(facts) == budget_mib * MIB


@pytest.mark.parametrize(
    ("cores", "threads", "lanes"),
    [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 2, 2), (5, 3, 1), (6, 3, 2), (7, 4, 1), (64, 4, 2)],
)
def test_lanes_never_want_more_threads_than_cores(cores: int, threads: int, lanes: int) -> None:
    facts = DeviceFacts.from_plain({"cores": cores, "memoryGb": 8, "isolated": True})

    assert (thread_count(facts), wasm_lanes(facts)) == (threads, lanes)


@pytest.mark.parametrize(("configured", "lanes"), [(-3, 1), (0, 1), (1, 1), (3, 3), (9, 4)])
def test_the_site_decides_on_lanes_within_bounds(configured: int, lanes: int) -> None:
    assert {wasm_lanes(facts, configured) for facts in DEVICES.values()} == {lanes}


def test_the_site_decides_on_memory() -> None:
    facts = DEVICES["iphone 26"]

    assert memory_budget_bytes(facts, 300 * MIB) == 300 * MIB
    assert memory_budget_bytes(facts, 0) == memory_budget_bytes(facts)


@pytest.mark.parametrize(("memory_gb", "budget_mib"), [(0.25, 64), (1, 128), (2, 256), (32, 1024)])
def test_the_budget_is_an_eighth_within_bounds(memory_gb: float, budget_mib: int) -> None:
    facts = DeviceFacts.from_plain({"memoryGb": memory_gb, "engine": "blink"})

    assert memory_budget_bytes(facts) == budget_mib * MIB


@given(JSON | FACTS, st.none() | st.integers())
def test_every_device_has_some_capacity(plain: object, configured: int | None) -> None:
    facts = DeviceFacts.from_plain(plain)

    assert 1 <= thread_count(facts) <= 4
    assert 1 <= wasm_lanes(facts, configured) <= 4
    assert memory_budget_bytes(facts, configured) >= 1
