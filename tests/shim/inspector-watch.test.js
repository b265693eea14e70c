/** When the inspector listens and asks, and that nothing of it stays behind. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEmitter } from "../../js_shim/emitter.js";
import { createJournal } from "../../js_shim/inspector/journal.js";
import { createWatch } from "../../js_shim/inspector/watch.js";
import { createHandTimers } from "./hand-timers.js";
import { result } from "./inspector-notices.js";

/** A watch over a runtime that counts its listeners and answers when told to. */
function watched() {
  const timers = createHandTimers();
  const { on, emit } = createEmitter();
  const journal = createJournal();
  const page = { isSeen: true, isLoaded: true, listeners: 0, asked: 0, drawn: 0 };
  /** @type {((value: any) => void)[]} */
  const answers = [];
  const edge = {
    statistics() {
      page.asked++;
      return new Promise((resolve) => answers.push(resolve));
    },
    on(/** @type {string} */ name, /** @type {(body: any) => void} */ listener) {
      page.listeners++;
      const off = on(name, listener);
      return () => {
        page.listeners--;
        off();
      };
    },
  };
  const watch = createWatch({
    edgeOf: () => /** @type {any} */ (page.isLoaded ? edge : { q: [] }),
    journal,
    isSeen: () => page.isSeen,
    draw: () => page.drawn++,
    timers,
    nowMs: () => 1_000,
  });
  const answer = async (/** @type {any} */ value) => {
    answers.shift()?.(value);
    await new Promise(setImmediate);
  };
  return { watch, page, timers, journal, emit, answer };
}

test("it asks one question at a time, and again half a second after an answer", async () => {
  const { watch, page, timers, answer } = watched();
  watch.start();
  watch.look();
  watch.look();
  timers.pass(5_000);
  assert.equal(page.asked, 1);

  await answer({ uptimeMs: 1 });
  assert.deepEqual(watch.statistics, { uptimeMs: 1 });
  timers.pass(499);
  assert.equal(page.asked, 1);
  timers.pass(1);
  assert.equal(page.asked, 2);
});

test("while nobody looks it listens and asks nothing", async () => {
  const { watch, page, timers, journal, emit, answer } = watched();
  watch.start();
  watch.look();
  await answer({});
  page.isSeen = false;
  timers.pass(500);
  emit("result", result("Rank-a"));
  timers.pass(60_000);

  assert.deepEqual([page.asked, timers.waiting, journal.runs.length], [1, 0, 1]);
  page.isSeen = true;
  watch.look();
  assert.equal(page.asked, 2);
});

test("many notices are drawn once, soon", () => {
  const { watch, page, timers, emit } = watched();
  watch.start();
  for (let n = 0; n < 100; n++) emit("result", result(`Rank-${n}`));
  assert.equal(page.drawn, 0);
  timers.pass(120);
  assert.equal(page.drawn, 1);
});

test("a runtime that comes later is found", async () => {
  const { watch, page, timers } = watched();
  page.isLoaded = false;
  watch.start();
  watch.look();
  timers.pass(1_000);
  assert.deepEqual([page.listeners, page.asked], [0, 0]);

  page.isLoaded = true;
  timers.pass(500);
  assert.deepEqual([page.listeners, page.asked], [6, 1]);
});

test("stopping leaves no listener and no timer, and a late answer changes nothing", async () => {
  const { watch, page, timers, emit, answer } = watched();
  watch.start();
  watch.look();
  emit("result", result("Rank-a"));
  watch.stop();

  await answer({ uptimeMs: 1 });
  timers.pass(10_000);
  assert.deepEqual([page.listeners, timers.waiting, page.drawn], [0, 0, 0]);
  assert.equal(watch.statistics, undefined);

  watch.start();
  watch.look();
  assert.deepEqual([page.listeners, page.asked], [6, 2]);
});
