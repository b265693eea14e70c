/** What an inference worker knows of its realm: its heap, the accelerator's work and end, failures that poison. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchDevice } from "../../js_shim/gpu-device.js";
import { watchHeap } from "../../js_shim/heap.js";
import { countWork } from "../../js_shim/placement.js";
import { engineFailure, isFatal } from "../../js_shim/realm-failure.js";

const PAGE_BYTES = 65_536;

test("the heap is the largest memory made since, at its present size", (t) => {
  const original = WebAssembly.Memory;
  t.after(() => void (WebAssembly.Memory = original));
  const heapBytes = watchHeap();
  assert.equal(heapBytes(), 0);

  new WebAssembly.Memory({ initial: 0 });
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 4 });
  assert.equal(heapBytes(), 2 * PAGE_BYTES);
  memory.grow(1);

  assert.equal(heapBytes(), 3 * PAGE_BYTES);
  assert.ok(memory instanceof original);
});

test("work is counted where the accelerator gets it, and still done", async () => {
  class MLGraphBuilder {
    async build(/** @type {any} */ outputs) {
      return outputs;
    }
  }
  class GPUComputePassEncoder {
    groups = 0;
    dispatchWorkgroups(/** @type {number} */ x, /** @type {number} */ y) {
      this.groups += x * y;
    }
  }
  const work = countWork({ MLGraphBuilder, GPUComputePassEncoder });

  assert.deepEqual(await new MLGraphBuilder().build({ y: 1 }), { y: 1 });
  const pass = new GPUComputePassEncoder();
  pass.dispatchWorkgroups(3, 4);
  pass.dispatchWorkgroups(1, 1);

  assert.equal(pass.groups, 13);
  assert.deepEqual(work, { graphs: 1, dispatches: 2 });
});

test("without accelerators nothing is counted", () => {
  assert.deepEqual(countWork({}), { graphs: 0, dispatches: 0 });
});

/** @type {[what: string, thrown: unknown, isFatal: boolean][]} */
const THROWN = [
  ["an operator's own error", new Error("ERROR_CODE: 2, ERROR_MESSAGE: Non-zero status"), false],
  ["a missing feed", new Error("input 'x' is missing in 'feeds'."), false],
  ["an exhausted heap", new Error("ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc"), true],
  ["a heap that cannot grow", new RangeError("WebAssembly.Memory.grow(): out of memory"), true],
  ["a trap", new WebAssembly.RuntimeError("unreachable"), true],
  ["an abort that was wrapped", new Error("Aborted(). Build with -sASSERTIONS"), true],
  ["a slip of the glue code", new TypeError("Cannot read properties of undefined"), true],
  ["a C++ exception", 5_276_488, true],
];
for (const [what, thrown, expected] of THROWN)
  test(`${what} ${expected ? "poisons" : "does not poison"} the realm`, () => {
    assert.equal(isFatal(thrown), expected);
    assert.equal(engineFailure("session a", thrown).details.poisoned, expected || undefined);
  });

test("a failure keeps the engine's words", () => {
  assert.equal(engineFailure("session a", new Error("no kernel")).message, "session a: no kernel");
  assert.equal(engineFailure("session a", 42).message, "session a: 42");
});

function fakeDevice() {
  /** @type {(info: unknown) => void} */
  let lose = () => {};
  const lost = new Promise((resolve) => void (lose = resolve));
  const device = Object.assign(new EventTarget(), { lost });
  return { device, lose };
}

class GPUOutOfMemoryError {
  message = "too large";
}

test("errors that nobody caught are taken once", () => {
  const { device } = fakeDevice();
  const watched = watchDevice(device, () => {});
  assert.equal(watched.takeErrors(), undefined);

  const error = new GPUOutOfMemoryError();
  device.dispatchEvent(Object.assign(new Event("uncapturederror"), { error }));

  assert.equal(watched.takeErrors(), "GPUOutOfMemoryError: too large");
  assert.equal(watched.takeErrors(), undefined);
});

test("the end of a device is told, with the reason, also to whom asks in the same turn", async () => {
  const { device, lose } = fakeDevice();
  /** @type {string[]} */
  const told = [];
  const watched = watchDevice(device, (reason) => told.push(reason));
  assert.equal(await watched.lostReason(), undefined);

  const reason = watched.lostReason();
  lose({ reason: "destroyed", message: "" });

  assert.equal(await reason, "destroyed");
  assert.deepEqual(told, ["destroyed"]);
});
