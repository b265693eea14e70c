"""Which backend serves: wasm at once, the fastest correct one once the device was idle."""

from typing import Any

import pytest

from .conftest import OpenModels
from .inference_stage import InferencePage, cnn
from .site import Model, double_model

IMAGE = (1, 64, 56, 56)
EXPECTED = {"cases": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [2, 4, 6]}}]}
UNEXPECTED = {"cases": [{"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [9, 9, 9]}}]}
SCALED = """
if (self.MLContext) {
  const { readTensor } = MLContext.prototype;
  MLContext.prototype.readTensor = async function (tensor, into) {
    const given = await readTensor.call(this, ...arguments);
    const bytes = into ?? given;
    const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
    const values = new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4);
    values.forEach((value, i) => (values[i] = 1.5 * value));
    return given;
  };
}
"""


def figures(statistics: dict[str, Any], model: str) -> dict[str, dict[str, Any]]:
    """Return the plans of a model by backend."""
    return {plan["backend"]: plan for plan in statistics["models"][model]["plans"]}


def fastest(plans: dict[str, dict[str, Any]]) -> str:
    return min(plans, key=lambda backend: plans[backend]["ms"] or float("inf"))


def key(backend: dict[str, Any]) -> str:
    return "-".join([backend["name"], *([backend["device"]] if "device" in backend else [])])


def runs_in_lanes(page: InferencePage) -> dict[str, int]:
    lanes = page.statistics()["lanes"]
    return {name: lane["finished"] for name, lane in lanes.items()}


def test_a_model_answers_on_wasm_until_a_faster_backend_was_found_which_serves_the_next_visit(
    open_models: OpenModels,
) -> None:
    page = open_models({"cnn": Model(cnn()), "double": Model(double_model(3))})

    first, before = page.run("cnn", IMAGE)
    page.run("double", [3])
    statistics = page.measured("cnn", "double")
    then, after = page.run("cnn", IMAGE)
    _, small = page.run("double", [3])
    page.page.reload()
    page.ready()
    _, again = page.run("cnn", IMAGE)

    assert before["name"] == "wasm"
    assert before["refused"].keys() == {"webgpu", "webnn"}
    plans = {name: figures(statistics, name) for name in ("cnn", "double")}
    assert plans["cnn"].keys() == plans["double"].keys() == {"wasm", "webnn-cpu"}
    assert key(after) == fastest(plans["cnn"]) == "webnn-cpu"
    assert key(small) == fastest(plans["double"]) == "wasm"
    assert then == pytest.approx(first, rel=1e-4)
    assert key(again) == "webnn-cpu"
    assert runs_in_lanes(page) == {"webnn-cpu": 1}
    assert page.failures == []


@pytest.mark.parametrize("golden", [None, EXPECTED], ids=["wasm", "file"])
def test_a_backend_that_answers_otherwise_than_expected_is_refused(
    open_models: OpenModels, golden: Any
) -> None:
    page = open_models({"double": Model(double_model(3), golden=golden)}, worker=SCALED)

    page.run("double", [3])
    plans = figures(page.measured("double"), "double")
    value, backend = page.run("double", [3])

    assert value == [2, 2]
    assert backend["name"] == "wasm"
    assert plans["wasm"]["ms"] is not None and plans["webnn-cpu"]["ms"] is None
    assert "not the expected ones: output y" in plans["webnn-cpu"]["refused"]
    assert backend["refused"]["webnn-cpu"] == plans["webnn-cpu"]["refused"]


def test_golden_answers_that_nothing_gives_leave_wasm_in_charge_and_are_told(
    open_models: OpenModels,
) -> None:
    page = open_models({"double": Model(double_model(3), golden=UNEXPECTED)})

    page.run("double", [3])
    plans = figures(page.measured("double"), "double")
    value, backend = page.run("double", [3])

    assert value == [2, 2]
    assert backend["name"] == "wasm"
    assert "every backend is refused" in backend["fallbackReason"]
    assert all("not the expected ones" in plan["refused"] for plan in plans.values())
    assert backend["refused"].keys() >= {"wasm", "webnn-cpu"}
