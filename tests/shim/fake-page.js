/** A page with the runtime's API on it, over fake workers and the few parts of a document that it asks for. */

import assert from "node:assert/strict";
import { serving } from "../../js_shim/rpc-serving.js";
import { createEdge } from "../../js_shim/edge-api.js";
import { FakeWorker, speaking } from "./fake-worker.js";
import { becomeReady } from "./supervised.js";

/** @import { TestContext } from "node:test" */
/** @import { Rpc } from "../../js_shim/rpc.js" */

export const START = { config: "config.json", capture: false };
const METHODS = ["infer", "track", "flush", "put", "get", "erase", "stop", "statistics"].concat(
  "pause",
  "resume",
  "reconfigure",
  "reload",
  "trace",
);
const scope = /** @type {any} */ (globalThis);

/**
 * A page whose runtime ends with the test; the workers of `heard` keep what reaches them.
 * @param {TestContext} t
 * @param {{onStart?: (rpc: Rpc) => void, handlers?: Record<string, (params: any) => unknown>}} [play]
 */
export function page(t, { onStart = becomeReady, handlers = {} } = {}) {
  const document = Object.assign(new EventTarget(), {
    baseURI: "https://shop.example/home/",
    visibilityState: "visible",
  });
  /** @type {{url: string, worker: FakeWorker, options?: any}[]} */
  const workers = [];
  /** @type {Rpc[]} */
  const rpcs = [];
  /** @type {any[]} */
  const heard = [];
  const hearing = Object.fromEntries(
    [...METHODS, ...Object.keys(handlers)].map((method) => [
      method,
      (/** @type {any} */ params) => {
        heard.push([method, params]);
        return handlers[method] ? handlers[method](params) : {};
      },
    ]),
  );
  class PageWorker extends FakeWorker {
    /** @param {string} url @param {WorkerOptions} options */
    constructor(url, { type }) {
      assert.equal(type, "module");
      const start = (/** @type {Rpc} */ rpc, /** @type {any} */ options) => {
        Object.assign(own, { options });
        rpcs.push(rpc);
        onStart(rpc);
      };
      const onNotice = (/** @type {string} */ name, /** @type {any} */ body) =>
        heard.push([name, body]);
      super(speaking(t, start, { serve: serving(hearing), onNotice }));
      const own = { url, worker: this };
      workers.push(own);
    }
  }
  const window = new EventTarget();
  const origin = "https://shop.example";
  const replaced = { document, window, origin, Worker: PageWorker };
  Object.assign(scope, replaced, { __BUILD_ID__: "test", __RUNTIME_WORKER__: "runtime-worker.js" });
  const edge = createEdge("https://shop.example/edge/");
  t.after(async () => {
    await edge.stop();
    for (const name of Object.keys(replaced)) delete scope[name];
  });
  return { edge, workers, rpcs, heard, document, window };
}
