/** An open model: the options it is opened with, where it turns out to run, and how its runs fail. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../../js_shim/session.js";
import { WASM, WEBGPU, failure } from "./inference-stage.js";

/** @import { Target } from "../../js_shim/inference-protocol.js" */

/** @type {Target} */
const WEBNN = { backend: "webnn", device: "npu", build: "jspi", threads: 1 };
const FEED = { name: "x", dtype: "uint8", shape: [1], data: Uint8Array.of(5).buffer };
const EMPTY = { ...FEED, shape: [0], data: new ArrayBuffer(0) };

class Tensor {
  location = "cpu";

  /**
   * @param {string} type
   * @param {Uint8Array} data
   * @param {number[]} dims
   */
  constructor(type, data, dims) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }

  async getData() {
    return this.data;
  }
}

/**
 * An engine of which each open builds `graphs` and each run makes `dispatches`, or rejects with `error`.
 * @param {{graphs?: number, dispatches?: number, error?: unknown, device?: any}} [script]
 */
function engine({ graphs = 0, dispatches = 0, error, device } = {}) {
  const work = { graphs: 1, dispatches: 7 };
  /** @type {any[]} */
  const created = [];
  const session = {
    inputMetadata: [],
    outputMetadata: [],
    isReleased: false,
    release: async () => void (session.isReleased = true),
    run: async (/** @type {any} */ feeds) => {
      work.dispatches += dispatches;
      if (error) throw error;
      return { y: feeds.x };
    },
  };
  const create = async (/** @type {unknown} */ _model, /** @type {any} */ options) => {
    created.push(options);
    work.graphs += graphs;
    return session;
  };
  const ort = { Tensor, InferenceSession: { create } };
  return { engine: /** @type {any} */ ({ ort, work, device }), created, session };
}

/**
 * @param {ReturnType<typeof engine>} stage
 * @param {Target} target
 * @param {any[]} [external]
 */
const open = (stage, target, external = []) =>
  Session.open(stage.engine, { session: "a", data: new ArrayBuffer(1), external, target });

test("a target becomes the engine's options", async () => {
  const stage = engine({ graphs: 1 });
  const external = [{ path: "w.bin", data: Uint8Array.of(1, 2).buffer }];

  await open(stage, WASM);
  await open(stage, { ...WEBNN, dimensions: { rows: 3 } }, external);

  const [plain, rich] = stage.created;
  assert.deepEqual(plain.executionProviders, ["wasm"]);
  assert.deepEqual(plain.freeDimensionOverrides, {});
  assert.deepEqual(rich.executionProviders, [{ name: "webnn", deviceType: "npu" }]);
  assert.deepEqual(rich.freeDimensionOverrides, { rows: 3 });
  assert.deepEqual(rich.externalData, [{ path: "w.bin", data: Uint8Array.of(1, 2) }]);
});

test("a WebNN session without a graph of its own is released and refused", async () => {
  const stage = engine({ graphs: 0 });

  const error = await failure(open(stage, WEBNN));

  assert.deepEqual(error.details, { unavailable: true });
  assert.ok(stage.session.isReleased);
});

test("placement is what the engine did: graphs of the open, dispatches of the run", async () => {
  const opened = await open(engine({ graphs: 2, dispatches: 3 }), WEBNN);
  assert.deepEqual(opened.placement, { onAccelerator: true, work: 2 });
  const ran = await opened.session.run([FEED]);
  assert.deepEqual(ran.placement, { onAccelerator: true, work: 3 });

  const onWasm = await open(engine(), WASM);
  assert.deepEqual(onWasm.placement, { onAccelerator: false, work: 0 });
  assert.deepEqual((await onWasm.session.run([FEED])).placement, onWasm.placement);
});

test("a WebGPU run without a dispatch is refused, unless there was nothing to compute", async () => {
  const { session, placement } = await open(engine(), WEBGPU);
  assert.deepEqual(placement, { onAccelerator: null, work: 0 });

  assert.deepEqual((await session.run([EMPTY])).placement, { onAccelerator: null, work: 0 });
  assert.deepEqual((await failure(session.run([FEED]))).details, { unavailable: true });
});

test("a run that failed because the device was lost says so", async () => {
  const device = { lostReason: async () => "destroyed", takeErrors: () => undefined };
  const { session } = await open(engine({ error: new Error("mapping failed"), device }), WEBGPU);

  const error = await failure(session.run([FEED]));

  assert.deepEqual(error.details, { deviceLost: true, poisoned: true });
  assert.match(error.message, /destroyed/);
});

test("a run amid which the device refused something fails, whatever it returned", async () => {
  const device = { lostReason: async () => undefined, takeErrors: () => "GPUValidationError: no" };
  const { session } = await open(engine({ dispatches: 1, device }), WEBGPU);

  const error = await failure(session.run([FEED]));

  assert.deepEqual(error.details, {});
  assert.match(error.message, /GPUValidationError: no/);
});
