"""Accelerators and lanes that fail under a page: it gets its answer, or the honest error."""

from typing import Any

import pytest

from .conftest import OpenModels
from .inference_stage import OBEY, SQUARE, looping, order
from .lanes import filled, matmul
from .site import Model, double_model

SHAPE = (2, 4)
TWOS = [2, 2]
ON_WEBGPU = {"matmul": Model(matmul(2), {"pin": "webgpu"})}
LOSE_AT_SUBMIT = """{
  const { submit } = GPUQueue.prototype;
  GPUQueue.prototype.submit = function (...args) {
    testDevice.destroy();
    return submit.apply(this, args);
  };
}"""
# A worker that begins later has it, too: all devices of this page are lost as soon as they work.
LOSE_ALWAYS = f"{OBEY}\nif (self.GPUQueue) {LOSE_AT_SUBMIT}"
# The adapter is gone when a note says so, which outlives the worker.
ADAPTER_GOES = f"""{OBEY}
if (self.GPU) {{
  const {{ requestAdapter }} = GPU.prototype;
  GPU.prototype.requestAdapter = async function (...args) {{
    return (await caches.has("gone")) ? null : requestAdapter.apply(this, args);
  }};
}}"""
NO_CONTEXT = (
    "if (self.ML) ML.prototype.createContext = async () => { throw new Error('no driver'); };"
)


def name(backend: dict[str, Any]) -> str:
    return str(backend["name"])


def test_a_device_lost_amid_a_run_is_replaced_within_that_run(open_models: OpenModels) -> None:
    page = open_models(ON_WEBGPU, worker=OBEY)
    page.run("matmul", SHAPE)
    page.tell("webgpu", LOSE_AT_SUBMIT)

    value, backend = page.run("matmul", SHAPE)

    assert value == TWOS
    assert name(backend) == "webgpu" and "fallbackReason" not in backend
    assert page.failures == []


def test_a_device_that_is_lost_again_gives_way_to_wasm(open_models: OpenModels) -> None:
    page = open_models(ON_WEBGPU, worker=LOSE_ALWAYS)

    value, backend = page.run("matmul", SHAPE)
    again, after = page.run("matmul", SHAPE)

    assert value == again == TWOS
    assert name(backend) == name(after) == "wasm"
    assert "expected the device to live" in backend["fallbackReason"]
    assert "expected the device to live" in after["refused"]["webgpu"]
    assert page.failures == []


def test_a_context_that_cannot_be_had_is_refused_with_the_reason(open_models: OpenModels) -> None:
    page = open_models({"matmul": Model(matmul(2), {"pin": "webnn"})}, worker=NO_CONTEXT)

    value, backend = page.run("matmul", SHAPE)

    assert value == TWOS
    assert name(backend) == "wasm"
    assert "no driver" in backend["fallbackReason"]
    assert page.failures == []


def test_a_context_that_is_gone_after_the_probe_gives_way_to_wasm(open_models: OpenModels) -> None:
    later = f"if (self.name.endsWith('webnn-cpu')) {{ {NO_CONTEXT} }}"
    page = open_models({"matmul": Model(matmul(2), {"pin": "webnn"})}, worker=later)

    value, backend = page.run("matmul", SHAPE)

    assert value == TWOS
    assert name(backend) == "wasm"
    assert "no driver" in backend["fallbackReason"]
    assert "no driver" in backend["refused"]["webnn-cpu"]
    assert page.failures == []


def test_an_adapter_that_is_gone_at_the_second_start_gives_way_to_wasm(
    open_models: OpenModels,
) -> None:
    page = open_models(ON_WEBGPU, worker=ADAPTER_GOES)
    _, before = page.run("matmul", SHAPE)
    page.page.evaluate("async () => { await caches.open('gone'); }")
    page.tell("webgpu", LOSE_AT_SUBMIT)

    value, backend = page.run("matmul", SHAPE)

    assert name(before) == "webgpu"
    assert value == TWOS
    assert name(backend) == "wasm"
    assert "no adapter on this device" in backend["fallbackReason"]
    assert page.failures == []


ENDLESS = {"endless": looping(1_000_000), "double": double_model()}
ONE_LANE = {"inference": {"wasmLanes": 1}}
# The first run ends when it has begun and another waits behind it.
ENDED_AMID = """async ([params, other, timeoutMs]) => {
  const stopping = new AbortController();
  const end = timeoutMs ? { timeoutMs } : { signal: stopping.signal };
  const ended = settle(EdgeAI.infer({ ...params, ...end }));
  while (!(await EdgeAI.statistics()).lanes.wasm.running);
  const waiting = settle(EdgeAI.infer(other));
  while (!(await EdgeAI.statistics()).lanes.wasm.waiting);
  stopping.abort();
  return [await ended, await waiting, await EdgeAI.statistics()];
}"""


@pytest.mark.parametrize(
    ("timeout_ms", "code", "failures"), [(None, "run-cancelled", 0), (8_000, "task-timeout", 1)]
)
def test_a_run_that_nobody_waits_for_ends_its_lane_and_no_other_run(
    open_models: OpenModels, timeout_ms: int | None, code: str, failures: int
) -> None:
    page = open_models(ENDLESS, config=ONE_LANE)
    page.run("endless", SQUARE, 0)
    page.run("double", [3])

    orders = [order("endless", SQUARE), order("double", [3]), timeout_ms]
    ended, waiting, statistics = page.page.evaluate(ENDED_AMID, orders)

    assert ended["error"]["code"] == code
    assert waiting["ok"]["value"] == [2, 2]
    assert statistics["modelMemory"]["killed"] == 1
    breakers = statistics["breakers"]
    assert breakers["endless@wasm"]["failures"] == failures
    assert breakers["double@wasm"]["failures"] == 0
    assert page.run("endless", SQUARE, 0)[0] == [0, 0]
    assert page.statistics()["modelMemory"]["killed"] == 1
    assert page.failures == []


def test_a_model_whose_runs_never_end_is_left_alone_by_its_breaker(open_models: OpenModels) -> None:
    breaker = {"minCalls": 2, "openMs": 600_000, "maxOpenMs": 600_000}
    page = open_models(ENDLESS, config={**ONE_LANE, "scheduler": {"breaker": breaker}})
    page.run("double", [3])

    # Long enough for a lane to start and then to be at it for longer than a run is excused for.
    ended = [page.ask("endless", SQUARE, timeoutMs=8_000)["error"]["code"] for _ in range(2)]
    page.until_figures("(it) => it.breakers['endless@wasm'].state === 'open'")
    refused = page.ask("endless", SQUARE, 0)["error"]["code"]

    assert ended == ["task-timeout"] * 2
    assert refused == "circuit-open"
    assert page.run("double", [3])[0] == [2, 2]


def test_memory_that_wasm_does_not_have_costs_its_run_only(open_models: OpenModels) -> None:
    page = open_models({"filled": filled(), "double": double_model()}, config=ONE_LANE)
    page.run("double", [3])
    page.run("filled", [1], 5)

    failed = page.ask("filled", [1], 1.5e9)
    behind = page.run_all(order("filled", [1], 1.5e9), order("double", [3]))

    assert failed["error"]["code"] == behind[0]["error"]["code"] == "inference-failed"
    assert behind[1]["ok"]["value"] == [2, 2]
    assert page.run("filled", [1], 5)[0] == [5]
    breakers = page.statistics()["breakers"]
    assert breakers["filled@wasm"]["failures"] == 2 and breakers["double@wasm"]["failures"] == 0
    assert page.failures == []
