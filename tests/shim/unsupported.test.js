/** Browsers that lack what the runtime cannot be without: told with the reason, the page left as it was. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { compileNothing } from "../../js_shim/boot.js";
import { createEdge } from "../../js_shim/edge-api.js";
import { FakeWorker, speaking } from "./fake-worker.js";

/** @import { TestContext } from "node:test" */

const CODES = { systemCode: "demo", businessCode: "rank" };
const HEARD_OF_DOCUMENT = ["visibilitychange", "freeze", "resume", "DOMContentLoaded"];
const HEARD_OF_WINDOW = ["click", "pageshow", "pagehide", "popstate"];
const scope = /** @type {any} */ (globalThis);

/**
 * A worker whose boot looks at the WebAssembly of its browser first, as the real one does.
 * @param {TestContext} t
 * @param {any} engine
 */
const booting = (t, engine) =>
  class extends FakeWorker {
    /** @param {string} _url @param {{type: string}} options */
    constructor(_url, { type }) {
      assert.equal(type, "module");
      super(
        speaking(t, (rpc) =>
          compileNothing(engine).catch((error) =>
            rpc.notify("status", { state: "failed", error: error.toPlain() }),
          ),
        ),
      );
    }
  };

class ClassicWorker extends FakeWorker {
  constructor() {
    super(() => {});
  }
}

/** @param {TestContext} t @param {unknown} Worker */
function page(t, Worker) {
  const document = Object.assign(new EventTarget(), {
    baseURI: "https://shop.example/",
    visibilityState: "visible",
    readyState: "complete",
    querySelector: () => null,
  });
  const history = { pushState() {}, replaceState() {} };
  const methods = { ...history };
  const window = Object.assign(new EventTarget(), { history });
  const location = { pathname: "/", href: "https://shop.example/" };
  const origin = "https://shop.example";
  const replaced = { document, window, location, origin, Worker };
  Object.assign(scope, replaced, { __BUILD_ID__: "test", __RUNTIME_WORKER__: "worker.js" });
  const edge = createEdge("https://shop.example/edge/");
  t.after(async () => {
    await edge.stop();
    for (const name of Object.keys(replaced)) delete scope[name];
  });
  const listeners = () =>
    HEARD_OF_DOCUMENT.flatMap((name) => getEventListeners(document, name)).concat(
      HEARD_OF_WINDOW.flatMap((name) => getEventListeners(window, name)),
    );
  return { edge, listeners, isHistoryOwn: () => history.pushState === methods.pushState };
}

const without = /** @type {[string, (t: TestContext) => unknown, RegExp][]} */ ([
  ["workers", () => undefined, /^Worker: /],
  ["module workers", () => ClassicWorker, /^module workers: /],
  ["WebAssembly", (t) => booting(t, {}), /^WebAssembly: /],
  [
    "SIMD",
    (t) => booting(t, { WebAssembly: { ...WebAssembly, validate: () => false } }),
    /^WebAssembly SIMD: /,
  ],
]);

for (const [what, workerOf, reason] of without)
  test(`without ${what}: unsupported, the page as before, every call refused`, async (t) => {
    const { edge, listeners, isHistoryOwn } = page(t, workerOf(t));
    /** @type {any[]} */
    const said = [];
    edge.on("status", (body) => said.push(body));

    const started = edge.start({ config: {} });
    assert.ok(listeners().length > 0 && !isHistoryOwn());
    const early = edge.infer(CODES);
    const refused = { code: "feature-missing", number: 3005, message: reason };
    for (const call of [early, started, edge.infer(CODES), edge.flush(), edge.statistics()])
      await assert.rejects(call, refused);

    const { state, reason: told, error } = said.at(-1);
    assert.equal(state, "unsupported");
    assert.match(told, reason);
    assert.equal(error.message, told);
    assert.deepEqual(listeners(), []);
    assert.ok(isHistoryOwn());
    edge.track({ type: "mta", pageId: "Home" });
    await assert.rejects(edge.infer(CODES), refused);
    assert.equal(said.filter((each) => each.state === "unsupported").length, 1);
  });

test("a policy that forbids compiling is the page's, not the browser's", async () => {
  const refusing = { validate: () => true, compile: () => Promise.reject(new Error("CSP")) };

  await assert.rejects(compileNothing(/** @type {any} */ ({ WebAssembly: refusing })), {
    code: "feature-missing",
    message: /wasm-unsafe-eval/,
    details: {},
  });
});

test("a whole browser passes", () => compileNothing());
