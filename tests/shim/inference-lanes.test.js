/** Lanes of inference workers: which one serves a model, and what happens when one breaks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { Inference } from "../../js_shim/host/inference.js";
import { FakeWorker, speaking } from "./fake-worker.js";

/** @import { TestContext } from "node:test" */
/** @typedef {Record<string, (params: any) => unknown>} Handlers */

const OPENED = { inputs: [], outputs: [], backend: { name: "wasm", threads: 1 } };
const bytes = () => Uint8Array.of(1, 2, 3);

/**
 * An Inference whose workers answer with `handlers(lane)`; what they were asked is in `asked`.
 * @param {TestContext} t
 * @param {(lane: string) => Handlers} handlers
 */
function lanes(t, handlers) {
  /** @type {string[]} */
  const asked = [];
  /** @type {FakeWorker[]} */
  const workers = [];
  const inference = new Inference("https://shop.example/inference-worker.js", (_url, name) => {
    const lane = name.replace("edge-inference-", "");
    /** @type {Handlers} */
    const played = { open: () => OPENED, release: () => ({}), ...handlers(lane) };
    const noted = Object.entries(played).map(([method, handle]) => [
      method,
      (/** @type {any} */ params) => {
        asked.push(`${lane} ${method} ${params.model}`);
        return handle(params);
      },
    ]);
    const worker = new FakeWorker(
      speaking(t, () => {}, { handlers: Object.fromEntries(noted), failure: "inference-failed" }),
    );
    workers.push(worker);
    return worker.asWorker;
  });
  t.after(() => inference.stop());
  return { inference, asked, workers };
}

/** @param {Record<string, unknown>} [details] */
function fails(details = {}) {
  return () => {
    throw new EdgeError("inference-failed", "WebGPU: no adapter on this device", details);
  };
}

test("wasm models share one worker, started by the first", async (t) => {
  const { inference, asked, workers } = lanes(t, () => ({}));

  await Promise.all([inference.open("a", bytes(), "wasm"), inference.open("b", bytes(), "wasm")]);

  assert.deepEqual(asked, ["wasm open a", "wasm open b"]);
  assert.equal(workers.length, 1);
});

test("an accelerator that is not there means wasm, with the reason and the same bytes", async (t) => {
  /** @type {number[][]} */
  const seen = [];
  const note = (/** @type {any} */ { data }) => {
    seen.push([...new Uint8Array(data)]);
    return OPENED;
  };
  const { inference, asked } = lanes(t, (lane) => ({
    open: lane === "wasm" ? note : fails({ unavailable: true }),
  }));

  const { backend } = await inference.open("a", bytes(), "webgpu");

  assert.deepEqual(asked, ["accelerated open a", "wasm open a"]);
  assert.deepEqual(seen, [[1, 2, 3]]);
  assert.equal(backend.fallbackReason, "WebGPU: no adapter on this device");
});

test("a run goes to the lane that opened the model, and its feeds move there", async (t) => {
  const output = new ArrayBuffer(4);
  const run = (/** @type {any} */ { feeds }) => ({
    outputs: [{ ...feeds[0], name: "y", data: output }],
    inferMs: 1,
  });
  const { inference, asked } = lanes(t, () => ({ run }));
  await inference.open("a", bytes(), "webnn");
  const feed = { name: "x", dtype: "uint8", shape: [3], data: bytes() };

  const { outputs } = await inference.run("a", [feed]);

  assert.deepEqual(asked, ["accelerated open a", "accelerated run a"]);
  assert.deepEqual(outputs[0].name, "y");
  assert.equal(feed.data.byteLength, 0);
});

test("a poisoned worker is ended and the next open gets a fresh one", async (t) => {
  let opens = 0;
  const poisonedOnce = () => (++opens === 1 ? fails({ poisoned: true })() : OPENED);
  const { inference, workers } = lanes(t, () => ({ open: poisonedOnce }));

  await assert.rejects(inference.open("a", bytes(), "wasm"), { code: "inference-failed" });
  await inference.open("a", bytes(), "wasm");

  assert.deepEqual(
    workers.map((worker) => worker.isTerminated),
    [true, false],
  );
});

test("a worker that dies loses its runs and sessions, and only its own", async (t) => {
  const { inference, workers } = lanes(t, () => ({ run: () => new Promise(() => {}) }));
  await inference.open("a", bytes(), "wasm");
  await inference.open("b", bytes(), "webgpu");

  const lost = inference.run("a", []);
  const alive = inference.release("b");
  await alive;
  assert.ok(workers[0].crash("out of memory"));

  await assert.rejects(lost, { code: "worker-lost", message: /out of memory/ });
  await assert.rejects(inference.run("a", []), { code: "worker-lost" });
  assert.deepEqual(
    workers.map((worker) => worker.isTerminated),
    [true, false],
  );
  await inference.open("a", bytes(), "wasm");
  assert.equal(workers.length, 3);
});

test("a model opened again on another lane is released on the first", async (t) => {
  const { inference, asked } = lanes(t, () => ({}));

  await inference.open("a", bytes(), "webgpu");
  await inference.open("a", bytes(), "wasm");

  assert.deepEqual(asked, ["accelerated open a", "wasm open a", "accelerated release a"]);
});

test("releasing what nobody opened is no error", async (t) => {
  const { inference, workers } = lanes(t, () => ({}));

  await inference.release("nobody");

  assert.equal(workers.length, 0);
});
