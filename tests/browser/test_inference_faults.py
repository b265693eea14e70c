"""Faults of inference lanes, forced in the real browser: who is told, and what lives on."""

from typing import Any

import pytest
from playwright.sync_api import Page

from .lanes import WASM, WEBGPU, WEBNN, Lanes
from .site import with_prefix

ONES = [1.0] * 8
TWOS = [[2.0] * 8]
BUILDS = ["jspi", "asyncify"]
SCRIPT = "**/inference-worker.*.js"
# Lets a test act inside inference workers: they obey code from a channel and keep the GPU device.
HOOK = """
if (self.GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (self.testDevice = await requestDevice.apply(this, args));
  };
}
new BroadcastChannel("test").onmessage = ({ data }) => {
  self.eval(data);
  new BroadcastChannel("done").postMessage("");
};
"""
INSIDE = """(code) => new Promise((resolve) => {
  new BroadcastChannel("done").onmessage = resolve;
  new BroadcastChannel("test").postMessage(code);
})"""
LOSE_AT_SUBMIT = """
const { submit } = GPUQueue.prototype;
GPUQueue.prototype.submit = function (...args) {
  testDevice.destroy();
  return submit.apply(this, args);
};
"""
INVALID_AT_SUBMIT = """
const { submit } = GPUQueue.prototype;
GPUQueue.prototype.submit = function (...args) {
  GPUQueue.prototype.submit = submit;
  testDevice.createBuffer({ size: 16, usage: 0xffff });
  return submit.apply(this, args);
};
"""
NO_CONTEXT = "navigator.ml.createContext = async () => { throw new Error('no NPU'); };"
CRASH_AT_MAPPING = """
GPUBuffer.prototype.mapAsync = () => {
  setTimeout(() => { throw new Error("boom"); });
  return new Promise(() => {});
};
"""
SMALL_MEMORY = """
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(options) { super({ ...options, maximum: Math.min(options.maximum, 2048) }); }
};
"""


@pytest.fixture
def hooked(tab: Page, lanes_url: str) -> Lanes:
    tab.route(SCRIPT, with_prefix(HOOK))
    return Lanes(tab, lanes_url)


def opens_and_runs(lanes: Lanes, lane: str, target: dict[str, Any]) -> None:
    lanes.open(lane, "fixed", target)
    assert lanes.run(lane, "fixed", ONES, [2, 4])["outputs"] == TWOS


def test_a_device_that_webnn_lacks_is_told_with_the_reason(tab: Page, lanes_url: str) -> None:
    tab.route(SCRIPT, with_prefix(NO_CONTEXT))
    lanes = Lanes(tab, lanes_url)

    error = lanes.error("(it) => open(...it)", ["webnn", "fixed", {**WEBNN, "device": "npu"}])

    assert error["details"]["unavailable"]
    assert error["message"] == "WebNN: no NPU"


@pytest.mark.parametrize("answer", [{"status": 404}, {"body": "no wasm"}], ids=["gone", "corrupt"])
def test_a_start_that_fails_ends_the_worker_and_the_next_one_starts_afresh(
    tab: Page, lanes_url: str, answer: dict[str, Any]
) -> None:
    lanes = Lanes(tab, lanes_url)
    lanes.open("wasm-1", "fixed", {**WASM, "build": "asyncify"})
    tab.route("**/ort-wasm-simd-threaded.wasm", lambda route: route.fulfill(**answer))

    error = lanes.error("(it) => open(...it)", ["wasm-0", "fixed", WASM])
    tab.unroute("**/ort-wasm-simd-threaded.wasm")

    assert error["code"] == "inference-failed"
    assert error["details"]["poisoned"] and error["details"]["lane"] == "wasm-0"
    opens_and_runs(lanes, "wasm-0", WASM)
    assert lanes.run("wasm-1", "fixed", ONES, [2, 4])["outputs"] == TWOS


def test_an_exhausted_heap_ends_its_lane_only(tab: Page, lanes_url: str) -> None:
    tab.route(SCRIPT, with_prefix(SMALL_MEMORY))
    lanes = Lanes(tab, lanes_url)
    lanes.open("wasm-0", "filled", WASM)
    lanes.open("wasm-1", "double", WASM)

    error = lanes.error("(it) => run(...it)", ["wasm-0", "filled", [2.0**26], [1]])
    behind = lanes.error("(it) => run(...it)", ["wasm-0", "filled", [1.0], [1]])

    assert error["code"] == "inference-failed"
    assert error["details"] == {"poisoned": True, "lane": "wasm-0"}
    assert behind["code"] == "worker-lost"
    assert lanes.run("wasm-1", "double", [1], [1])["outputs"] == [[2]]
    lanes.open("wasm-0", "filled", WASM)
    assert lanes.run("wasm-0", "filled", [5], [1])["outputs"] == [[5]]


def test_what_an_operator_refuses_ends_nothing(lanes: Lanes) -> None:
    lanes.open("wasm-0", "filled", WASM)

    broken = lanes.error("(it) => open(...it)", ["wasm-0", "broken", WASM])
    refused = lanes.error("(it) => run(...it)", ["wasm-0", "filled", [-1], [1]])
    unfit = lanes.error("(it) => run(...it)", ["wasm-0", "filled", [1], [1, 1]])

    for error in (broken, refused, unfit):
        assert error["code"] == "inference-failed"
        assert error["details"] == {"lane": "wasm-0"}
    assert lanes.run("wasm-0", "filled", [5], [1])["outputs"] == [[5]]
    assert len(lanes.page.evaluate("workers")) == 1


def test_a_lane_is_closed_amid_a_run(lanes: Lanes) -> None:
    lanes.open("wasm-0", "slow", WASM)
    lanes.open("wasm-1", "double", WASM)

    error = lanes.error(
        """async () => {
          const running = run("wasm-0", "slow", Array(512 * 512).fill(0.001), [512, 512]);
          await run("wasm-1", "double", [1]);
          await inference.close("wasm-0", "cancelled");
          return running;
        }"""
    )

    assert error["code"] == "worker-lost"
    assert error["details"] == {"lane": "wasm-0", "reason": "cancelled"}
    opens_and_runs(lanes, "wasm-0", WASM)
    assert lanes.run("wasm-1", "double", [1], [1])["outputs"] == [[2]]


def test_a_worker_that_crashes_amid_a_run_is_replaced(hooked: Lanes) -> None:
    hooked.open("webgpu", "dynamic", WEBGPU)
    hooked.page.evaluate(INSIDE, CRASH_AT_MAPPING)

    error = hooked.error("(it) => run(...it)", ["webgpu", "dynamic", ONES, [2, 4]])

    assert error["code"] == "worker-lost"
    assert error["details"]["poisoned"] and "boom" in error["details"]["reason"]
    opens_and_runs(hooked, "webgpu", WEBGPU)


@pytest.mark.parametrize("build", BUILDS)
def test_a_device_lost_amid_a_run_is_told_as_such_and_the_next_open_has_another(
    hooked: Lanes, build: str
) -> None:
    target = {**WEBGPU, "build": build}
    hooked.open("webgpu", "fixed", target)
    hooked.page.evaluate(INSIDE, f"(() => {{ {LOSE_AT_SUBMIT} }})()")
    hooked.open("wasm-0", "double", WASM)

    error = hooked.error("(it) => run(...it)", ["webgpu", "fixed", ONES, [2, 4]])

    assert error["code"] == "inference-failed"
    assert error["details"].items() >= {"deviceLost": True, "poisoned": True}.items()
    opens_and_runs(hooked, "webgpu", target)
    assert hooked.run("wasm-0", "double", [1], [1])["outputs"] == [[2]]


def test_a_device_lost_while_idle_ends_the_lane(hooked: Lanes) -> None:
    hooked.open("webgpu", "fixed", WEBGPU)

    hooked.page.evaluate(INSIDE, "testDevice.destroy()")

    hooked.page.wait_for_function("terminated.includes('edge-inference-webgpu')")
    opens_and_runs(hooked, "webgpu", WEBGPU)


def test_a_refusal_of_the_device_is_an_error_of_its_run(hooked: Lanes) -> None:
    hooked.open("webgpu", "fixed", WEBGPU)
    hooked.page.evaluate(INSIDE, f"(() => {{ {INVALID_AT_SUBMIT} }})()")

    error = hooked.error("(it) => run(...it)", ["webgpu", "fixed", ONES, [2, 4]])

    assert error["details"] == {"lane": "webgpu"}
    assert "65535" in error["message"]
    assert hooked.run("webgpu", "fixed", ONES, [2, 4])["outputs"] == TWOS
