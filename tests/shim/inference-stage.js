/** Inference whose workers are played, for tests. */

import { serving } from "../../js_shim/rpc-serving.js";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Inference } from "../../js_shim/host/inference.js";
import { FakeWorker, speaking } from "./fake-worker.js";

/** @import { TestContext } from "node:test" */
/** @import { Rpc } from "../../js_shim/rpc.js" */
/** @import { Target } from "../../js_shim/inference-protocol.js" */
/** @typedef {Record<string, (params: any) => unknown>} Handlers */

export const OPENED = { inputs: [], outputs: [], backend: { name: "wasm", threads: 1 } };
export const FILE = { url: "/model.onnx", sha256: "11", maxBytes: 9, timeoutMs: 5 };
/** @type {Target} */
export const WASM = { backend: "wasm", build: "wasm", threads: 1 };
/** @type {Target} */
export const WEBGPU = { backend: "webgpu", build: "jspi", threads: 1 };

/** A handler that never answers. */
export const never = () => new Promise(() => {});

/**
 * An Inference whose workers answer with `handlers(lane)`; what they were asked is in `asked`, with the name that the
 * lane of their worker had when it was created.
 * @param {TestContext} t
 * @param {{handlers?: (lane: string) => Handlers, read?: (file: any, onProgress?: any) => Promise<any>}} [script]
 */
export function lanes(t, { handlers, read = async () => new ArrayBuffer(4) } = {}) {
  /** @type {string[]} */
  const asked = [];
  /** @type {FakeWorker[]} */
  const workers = [];
  /** @type {string[]} */
  const names = [];
  /** @type {Rpc[]} */
  const rpcs = [];
  const inference = new Inference("https://shop.example/inference.js", { read }, (_url, name) => {
    const lane = name.replace("edge-inference-", "");
    /** @type {Handlers} */
    const own = { load: () => ({}), open: () => OPENED, release: () => ({}), ...handlers?.(lane) };
    const noted = Object.entries(own).map(([method, handle]) => [
      method,
      (/** @type {any} */ params) => {
        asked.push([lane, method, params.session].filter(Boolean).join(" "));
        return handle(params);
      },
    ]);
    const worker = new FakeWorker(
      speaking(t, (rpc) => rpcs.push(rpc), {
        serve: serving(Object.fromEntries(noted), "inference-failed"),
      }),
    );
    names.push(lane);
    workers.push(worker);
    return worker.asWorker;
  });
  t.after(() => inference.stop());
  return { inference, asked, workers, names, rpcs };
}

/**
 * Wait until `condition` holds.
 * @param {() => boolean} condition
 */
export async function until(condition) {
  while (!condition()) await nextTurn();
}

/**
 * What a promise that must fail is rejected with.
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}
