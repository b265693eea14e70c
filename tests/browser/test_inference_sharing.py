"""Models beside each other: engines that start at once, runs side by side, one budget."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper

from .conftest import OpenModels
from .inference_stage import SQUARE, InferencePage, looping, order
from .lanes import graph_model, matmul
from .site import Model, double_model

ROW = (1, 1024)
MIB = 2**20
UNMEASURED = {"measure": False}


def weighty(value: int) -> bytes:
    """Return ``y = x @ w`` for ``x[1, 1024]`` with 8 MiB of weights, so that ``y`` is ``value``."""
    weights = {"w": np.full((1024, 2048), value / 1024, np.float32)}
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    return graph_model([product], (ROW, [1, 2048]), weights)


def lanes(wasm_lanes: int) -> dict[str, Any]:
    return {"inference": {**UNMEASURED, "wasmLanes": wasm_lanes}}


def begin(page: InferencePage, *orders: dict[str, Any]) -> None:
    """Call ``infer`` without waiting; ``stopping`` ends the first one, ``begun`` holds all."""
    code = """(orders) => {
      window.stopping = new AbortController();
      window.begun = orders.map((each, i) =>
        settle(EdgeAI.infer(i ? each : { ...each, signal: stopping.signal })));
    }"""
    page.page.evaluate(code, orders)


def stop_first(page: InferencePage) -> list[dict[str, Any]]:
    ended: list[dict[str, Any]] = page.page.evaluate(
        "() => { stopping.abort(); return Promise.all(begun); }"
    )
    return ended


def values(ended: Sequence[dict[str, Any]]) -> list[Any]:
    return [each["ok"]["value"] for each in ended if "ok" in each]


def test_models_race_to_start_the_same_engine_and_different_ones(open_models: OpenModels) -> None:
    models: dict[str, bytes | Model] = {
        "a": double_model(),
        "b": double_model(3),
        "gpu": Model(matmul(2), {"pin": "webgpu"}),
        "nn": Model(matmul(2), {"pin": "webnn"}),
        "nn2": Model(double_model(3), {"pin": "webnn"}),
    }
    page = open_models(models, config=lanes(2))
    shapes = {"a": (3,), "b": (3,), "gpu": (2, 4), "nn": (2, 4), "nn2": (3,)}

    ended = page.run_all(*(order(model, shape) for model, shape in shapes.items()))

    assert values(ended) == [[2, 2]] * 5, ended
    ran = {
        name: each["ok"]["backend"][name]["name"] for name, each in zip(shapes, ended, strict=True)
    }
    assert ran == {"a": "wasm", "b": "wasm", "gpu": "webgpu", "nn": "webnn", "nn2": "webnn"}
    assert page.statistics()["lanes"].keys() >= {"wasm", "webgpu", "webnn-cpu"}
    assert page.failures == []


def test_a_lane_answers_while_another_one_computes(open_models: OpenModels) -> None:
    models = {"endless": looping(1_000_000), "double": double_model()}
    page = open_models(models, config=lanes(2))
    page.run("endless", SQUARE, 0)
    begin(page, order("endless", SQUARE))
    page.until_figures("(it) => it.lanes.wasm.running === 1")

    value, backend = page.run("double", [3])

    assert page.statistics()["lanes"]["wasm"]["running"] == 1
    assert value == [2, 2] and backend["name"] == "wasm"
    assert page.statistics()["lanes"]["wasm-2"]["finished"] == 1
    assert stop_first(page)[0]["error"]["code"] == "run-cancelled"


def test_a_model_that_is_waited_for_is_opened_in_an_idle_lane(open_models: OpenModels) -> None:
    page = open_models({"endless": looping(1_000_000)}, config=lanes(2))
    page.run("endless", SQUARE, 0)
    begin(page, order("endless", SQUARE), order("endless", SQUARE, 0))
    page.until_figures("(it) => it.lanes.wasm.waiting === 1 && it.modelMemory.heapBytes['wasm-2']")

    value, _ = page.run("endless", SQUARE, 0)

    now = page.statistics()["lanes"]
    assert value == [0, 0]
    assert now["wasm"]["running"] == 1 and now["wasm"]["waiting"] == 1
    assert now["wasm-2"]["finished"] == 1
    ended = stop_first(page)
    assert ended[0]["error"]["code"] == "run-cancelled"
    assert ended[1]["ok"]["value"] == [0, 0]


def test_what_was_used_least_recently_makes_room(open_models: OpenModels) -> None:
    models = {str(value): weighty(value) for value in (1, 2, 3)}
    page = open_models(models, config={"inference": {**UNMEASURED, "memoryBudgetMb": 16}})
    heaps: list[int] = []

    for _ in range(6):
        for value in (1, 2, 3):
            assert page.run(str(value), ROW)[0] == pytest.approx([value, value])
            heaps.append(page.statistics()["modelMemory"]["heapBytes"]["wasm"])

    memory = page.statistics()["modelMemory"]
    assert memory["budgetBytes"] == 16 * MIB
    assert memory["evicted"] >= 15
    assert memory["sessionsBytes"] <= 32 * MIB
    assert max(heaps[6:]) <= max(heaps[:6]), heaps


def test_a_released_model_leaves_memory_and_comes_back(open_models: OpenModels) -> None:
    page = open_models({"a": weighty(1), "b": weighty(2)}, config=lanes(1))
    page.run("a", ROW)
    page.run("b", ROW)
    before = page.statistics()["modelMemory"]

    page.value("ask", {"model": "a", "release": True})
    between = page.statistics()["modelMemory"]
    page.value("ask", {"model": "b", "release": True})
    after = page.statistics()["modelMemory"]

    assert before["sessionsBytes"] > between["sessionsBytes"] > 0
    assert after["sessionsBytes"] == 0 and after["heapBytes"] == {}
    assert after["evicted"] == 0
    assert page.run("a", ROW)[0] == pytest.approx([1, 1])
