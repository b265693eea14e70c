/** The script's own tag: what its attributes begin, and what they must not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "./fake-page.js";

/** @import { TestContext } from "node:test" */

const scope = /** @type {any} */ (globalThis);
let copies = 0;

/**
 * A page with one such tag, idle at once.
 * @param {TestContext} t
 * @param {Record<string, string>} dataset
 * @param {string} [src]
 */
async function tagged(t, dataset, src = "https://shop.example/edge/edge.js") {
  const own = page(t);
  /** @type {any[]} */
  const reported = [];
  const currentScript = {
    src,
    dataset: { config: "config.json", capture: "off", ...dataset },
  };
  Object.assign(own.document, { currentScript });
  Object.assign(scope, {
    reportError: (/** @type {unknown} */ error) => reported.push(error),
    requestIdleCallback: (/** @type {() => void} */ action) => action(),
    cancelIdleCallback() {},
  });
  await import(`../../js_shim/edge-global.js?copy=${++copies}`);
  const { EdgeAI } = scope.window;
  t.after(async () => {
    await EdgeAI.stop();
    for (const name of ["reportError", "requestIdleCallback", "cancelIdleCallback"])
      delete scope[name];
  });
  // Whatever it begins, it begins in the turns that a refused call takes.
  const { code } = await EdgeAI.get("").catch((/** @type {any} */ error) => error);
  assert.equal(code, "argument-invalid");
  return { ...own, reported };
}

test("a tag with a configuration begins, one that requires consent waits", async (t) => {
  const plain = await tagged(t, { vms: "2" });
  assert.deepEqual([plain.workers.length, plain.reported], [1, []]);

  const gated = await tagged(t, { consent: "required" });
  assert.deepEqual([gated.workers.length, gated.reported], [0, []]);
});

test("a script that is written into its page finds its files beside that", async (t) => {
  const { workers } = await tagged(t, {}, "");

  assert.deepEqual(
    workers.map(({ url }) => url),
    ["https://shop.example/home/runtime-worker.js"],
  );
});

for (const [name, text] of [
  ["consent", "false"],
  ["consent", ""],
  ["consent", "Required"],
  ["capture", "false"],
  ["exposure", "no"],
  ["vms", "many"],
]) {
  test(`data-${name}="${text}" begins nothing, and is told`, async (t) => {
    const { workers, reported } = await tagged(t, { [name]: text });

    assert.equal(workers.length, 0);
    assert.deepEqual(
      reported.map(({ details }) => details.path),
      [`start.${name}`],
    );
  });
}

test("what stands for a runtime that cannot be had refuses every call, and breaks no page", async (t) => {
  const { document } = page(t);
  const get = () => {
    throw new Error("none");
  };
  Object.defineProperty(document, "currentScript", { get });
  await import(`../../js_shim/edge-global.js?copy=${++copies}`);

  // As loaders do that promise the script's object.
  const edge = await Promise.resolve(scope.window.EdgeAI);
  /** @type {any[]} */
  const told = [];
  const off = edge.on("status", (/** @type {any} */ body) => told.push(body));
  edge.on("result", (/** @type {any} */ body) => told.push(body));
  off();
  edge.track({ type: "mta", pageId: "Home" });
  const onError = new Promise((resolve) =>
    edge.router.to("JDEdgeAI", "infer").callBackListener({ onError: resolve }).jump(),
  );

  assert.deepEqual(
    told.map(({ state }) => state),
    ["unsupported"],
  );
  assert.equal(await onError, 3005);
  await assert.rejects(edge.flush(), { code: "feature-missing", message: /none/ });
});
