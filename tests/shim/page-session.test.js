/** When a start begins with the page: not before it is shown, and not before something needs it where data are dear. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { START, page } from "./fake-page.js";

/** @import { TestContext } from "node:test" */

const VIEW = { type: "mta", pageId: "Home" };
const scope = /** @type {any} */ (globalThis);

/** A page that is idle when the test says so. @param {TestContext} t */
function idlePage(t) {
  const own = page(t);
  /** @type {Set<() => void>} */
  const waiting = new Set();
  Object.assign(scope, {
    requestIdleCallback: (/** @type {() => void} */ action) => waiting.add(action) && action,
    cancelIdleCallback: (/** @type {() => void} */ action) => waiting.delete(action),
  });
  t.after(() => {
    delete scope.requestIdleCallback;
    delete scope.cancelIdleCallback;
  });
  const idle = () => {
    for (const action of waiting) action();
    waiting.clear();
  };
  return { ...own, waiting, idle };
}

/** @param {TestContext} t */
function withSaveData(t) {
  const before = Object.getOwnPropertyDescriptor(scope, "navigator");
  const value = { connection: { saveData: true } };
  Object.defineProperty(scope, "navigator", { value, configurable: true });
  t.after(() => {
    if (before) Object.defineProperty(scope, "navigator", before);
    else delete scope.navigator;
  });
}

test("a page boots when it is idle, and an end takes the wish back", async (t) => {
  const { edge, workers, waiting, idle } = idlePage(t);
  const started = assert.rejects(edge.start(START), { code: "runtime-stopped" });
  await edge.stop();
  assert.equal(waiting.size, 0);
  await started;

  const again = edge.start(START);
  assert.equal(workers.length, 0);
  idle();

  assert.equal(await again, edge);
  assert.equal(workers.length, 1);
});

test("with Save-Data views boot nothing; a click, or what is tracked like one, does", async (t) => {
  withSaveData(t);
  const { edge, workers, waiting, idle } = idlePage(t);
  const started = edge.start(START);

  edge.track(VIEW);
  edge.track({ ...VIEW, type: "mta.exposure", clickId: "banner" });
  assert.equal(waiting.size, 0);
  edge.track({ ...VIEW, clickId: "buy" });
  idle();
  await started;

  assert.equal(workers.length, 1);
});

test("with Save-Data a call boots at once", async (t) => {
  withSaveData(t);
  const { edge, workers } = idlePage(t);
  const started = edge.start(START);

  await edge.flush();
  await started;

  assert.equal(workers.length, 1);
});

test("a page that is rendered ahead of need begins when it is shown", async (t) => {
  const { edge, document, waiting, idle } = idlePage(t);
  Object.assign(document, { prerendering: true });
  const started = edge.start(START);
  assert.equal(waiting.size, 0);

  document.dispatchEvent(new Event("prerenderingchange"));
  idle();

  assert.equal(await started, edge);
});

test("a page that is stopped before it is shown begins nothing", async (t) => {
  const { edge, document, waiting } = idlePage(t);
  Object.assign(document, { prerendering: true });
  const started = assert.rejects(edge.start(START), { code: "runtime-stopped" });

  await edge.stop();
  document.dispatchEvent(new Event("prerenderingchange"));

  assert.equal(waiting.size, 0);
  await started;
});
