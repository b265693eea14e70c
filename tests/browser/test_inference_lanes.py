"""Inference lanes: every backend and build really runs, and says what ran."""

from typing import Any

import pytest
from playwright.sync_api import Page

from .lanes import WASM, WEBGPU, WEBNN, Lanes

ONES = [1.0] * 8
TWOS = [[2.0] * 8]
BUILDS = ["jspi", "asyncify"]


def test_wasm_runs_in_the_worker_that_probed(lanes: Lanes) -> None:
    facts = lanes.ok("() => inference.probe(true)")
    opened = lanes.open("wasm-0", "double", WASM)
    ran = lanes.run("wasm-0", "double", [1, -2.5, 0], [3])

    assert facts["jspi"] and facts["webgpu"]["architecture"] == "swiftshader"
    assert opened["backend"] == {"name": "wasm", "threads": 1}
    assert opened["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["n"]}]
    assert ran["outputs"] == [[2, -5, 0]]
    assert ran["placement"] == {"onAccelerator": False, "work": 0}
    assert ran["heapBytes"] >= 2**24
    assert lanes.page.evaluate("workers") == ["edge-inference-spare"]


@pytest.mark.parametrize("build", BUILDS)
def test_webgpu_runs_what_it_was_given(lanes: Lanes, build: str) -> None:
    opened = lanes.open("webgpu", "fixed", {**WEBGPU, "build": build})
    ran = lanes.run("webgpu", "fixed", ONES, [2, 4])

    assert opened["backend"] == {"name": "webgpu", "threads": 1}
    assert opened["placement"]["onAccelerator"] is None
    assert ran["outputs"] == TWOS
    assert ran["placement"]["onAccelerator"] and ran["placement"]["work"] >= 1
    assert ran["heapBytes"] >= 2**24


@pytest.mark.parametrize("build", BUILDS)
def test_webnn_runs_what_it_was_given(lanes: Lanes, build: str) -> None:
    opened = lanes.open("webnn", "fixed", {**WEBNN, "build": build})
    ran = lanes.run("webnn", "fixed", ONES, [2, 4])

    assert opened["backend"] == {"name": "webnn", "device": "cpu", "threads": 1}
    assert opened["placement"] == {"onAccelerator": True, "work": 1}
    assert ran["outputs"] == TWOS
    assert ran["placement"] == {"onAccelerator": True, "work": 1}
    assert ran["heapBytes"] >= 2**24


def test_webnn_is_refused_for_a_dynamic_dimension_until_it_is_fixed(lanes: Lanes) -> None:
    error = lanes.error("(it) => open(...it)", ["webnn", "dynamic", WEBNN])
    opened = lanes.open("webnn", "dynamic", {**WEBNN, "dimensions": {"rows": 2}})

    assert error["code"] == "inference-failed"
    assert error["details"] == {"unavailable": True, "lane": "webnn"}
    assert "CPU provider" in error["message"]
    assert opened["inputs"][0]["shape"] == [2, 4]
    assert lanes.run("webnn", "dynamic", ONES, [2, 4])["outputs"] == TWOS
    assert len(lanes.page.evaluate("workers")) == 1


def test_threads_share_the_heap_that_is_told(page: Page, isolated_lanes_url: str) -> None:
    lanes = Lanes(page, isolated_lanes_url)

    opened = lanes.open("wasm-0", "fixed", {**WASM, "threads": 2})
    ran = lanes.run("wasm-0", "fixed", ONES, [2, 4])

    assert opened["backend"] == {"name": "wasm", "threads": 2}
    assert ran["outputs"] == TWOS
    assert ran["heapBytes"] >= 2**24


def test_webgpu_is_refused_when_nothing_of_a_run_reached_it(lanes: Lanes) -> None:
    lanes.open("webgpu", "unique", WEBGPU)

    error = lanes.error("(it) => run(...it)", ["webgpu", "unique", [1, 2], [2]])

    assert error["details"] == {"unavailable": True, "lane": "webgpu"}
    assert "CPU provider" in error["message"]


@pytest.mark.parametrize("target", [WASM, WEBGPU, WEBNN], ids=lambda it: str(it["backend"]))
def test_a_model_may_have_its_weights_in_another_file(lanes: Lanes, target: dict[str, Any]) -> None:
    lanes.ok(
        "(it) => open(...it)", ["lane", "parted", target, {"parted.bin": "/models/parted.bin"}]
    )

    assert lanes.run("lane", "parted", ONES, [2, 4])["outputs"] == TWOS


def test_two_models_race_to_start_one_engine_and_four_engines_race(lanes: Lanes) -> None:
    targets = {"wasm-0": WASM, "wasm-1": WASM, "webgpu": WEBGPU, "webnn": WEBNN}
    orders = [
        [lane, model, target] for lane, target in targets.items() for model in ("fixed", "again")
    ]

    settled = lanes.page.evaluate(
        "(all) => Promise.all(all.map((it) => ended(open(...it))))", orders
    )

    assert all("ok" in each for each in settled), settled
    assert len(lanes.page.evaluate("workers")) == 4
    for lane, model, _ in orders:
        assert lanes.run(lane, model, ONES, [2, 4])["outputs"] == TWOS


@pytest.mark.parametrize("target", [WASM, WEBGPU, WEBNN], ids=lambda it: str(it["backend"]))
def test_fifty_cycles_of_open_and_release_leave_the_heap_flat(
    lanes: Lanes, target: dict[str, Any]
) -> None:
    heaps = lanes.ok(
        """async (target) => {
          const heaps = [];
          for (let i = 0; i < 50; i++) {
            await open("lane", "weighty", target);
            const { heapBytes } = await run("lane", "weighty", [...Array(1024)].fill(1), [1, 1024]);
            await inference.release("lane", "weighty");
            heaps.push(heapBytes);
          }
          return heaps;
        }""",
        target,
    )

    assert heaps[-1] == heaps[9]
