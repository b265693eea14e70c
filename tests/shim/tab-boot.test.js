/** A tab on its way to an office: it boots, waits for one that boots, or gives up. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { createStore } from "./fake-core.js";
import { createOrigin } from "./fake-origin.js";
import { openTab, opened } from "./fake-tab.js";

const { beatMs, coreMs } = OFFICE_LIMITS;

/** A store that somebody holds in the middle of a write: no runtime gets at it before the end. */
function createHold() {
  let isHeld = true;
  /** @type {(() => void)[]} */
  const waiting = [];
  return {
    boot: () =>
      isHeld ? new Promise((resolve) => waiting.push(() => resolve(undefined))) : none(),
    end() {
      isHeld = false;
      for (const go of waiting) go();
    },
  };
}

const none = async () => undefined;

test("a first boot that fails is told, and the next tab tries", async () => {
  const origin = createOrigin();
  const store = createStore();
  const failure = new EdgeError("config-invalid", "no").toPlain();
  const a = openTab(origin, store, "a", { python: { boot: async () => failure } });
  const b = openTab(origin, store, "b");
  await origin.pass(beatMs);

  assert.deepEqual(a.states(), ["failed"]);
  assert.equal(a.bodies("status").at(-1).error.code, "config-invalid");
  assert.deepEqual(b.states(), ["ready writer"]);
});

test("a boot that fails at a takeover is told, and the lock is free", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  const failure = new EdgeError("network-failed", "offline").toPlain();
  const b = openTab(origin, store, "b", { python: { boot: async () => failure } });
  await origin.pass(beatMs);

  tabs[0].close();
  await origin.pass(beatMs);

  assert.deepEqual(b.states(), ["ready follower", "failed"]);
  assert.deepEqual(origin.locks.held, []);
});

test("a follower waits for a writer that still boots, and boots itself when that fails", async () => {
  const origin = createOrigin();
  const store = createStore();
  /** @type {(error: unknown) => void} */
  let fail = () => {};
  const boot = () => new Promise((resolve) => (fail = resolve));
  const a = openTab(origin, store, "a", { python: { boot } });
  const b = openTab(origin, store, "b");
  await origin.pass(30_000);
  assert.deepEqual([a.states(), b.states()], [[], []]);

  fail(new EdgeError("network-failed", "offline").toPlain());
  await origin.pass(beatMs);

  assert.deepEqual([a.states(), b.states()], [["failed"], ["ready writer"]]);
});

test("a tab deposed before its runtime has the store never takes it", async () => {
  const origin = createOrigin();
  const store = createStore();
  /** @type {(started: unknown) => void} */
  let start = () => {};
  const a = openTab(origin, store, "a", {
    startInterpreter: () => new Promise((resolve) => (start = resolve)),
  });
  await origin.settle();
  a.tab.stop();
  const b = openTab(origin, store, "b");
  await origin.pass(beatMs);
  assert.deepEqual(b.states(), ["ready writer"]);

  start({ python: a.python, mode: "snapshot" });
  await origin.pass(beatMs);

  assert.deepEqual([a.states(), store.log], [[], ["b boots"]]);
});

test("a tab stopped while its runtime opens the store stops that before another opens it", async () => {
  const origin = createOrigin();
  const store = createStore();
  /** @type {(value?: unknown) => void} */
  let open = () => {};
  const boot = () => new Promise((resolve) => (open = resolve));
  const a = openTab(origin, store, "a", { python: { boot } });
  const b = openTab(origin, store, "b");
  await origin.settle();

  a.tab.stop();
  await origin.pass(beatMs);
  assert.deepEqual(store.log, []);
  open();
  await origin.pass(beatMs);

  assert.deepEqual(store.log, ["a boots", "a stops", "b boots"]);
  assert.deepEqual([a.states(), b.states()], [[], ["ready writer"]]);
});

test("a runtime that is stopped keeps the next one waiting, but not for ever", async () => {
  let isHanging = false;
  const { origin, store, tabs } = await opened(["a"]);
  const [a] = tabs;
  const { page, reply } = a.python.hosts[0];
  a.python.hosts[0].reply = (/** @type {number} */ id, /** @type {string} */ json) =>
    isHanging || reply(id, json, []);
  isHanging = true;

  page.superseded();
  await origin.settle();
  assert.deepEqual(store.log, ["a boots", "a stops"]);
  await origin.pass(OFFICE_LIMITS.stopMs);

  assert.deepEqual(store.log, ["a boots", "a stops", "a boots"]);
});

test("who does not get at the store leaves it to the next tab, until one gets through", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  const hold = createHold();
  const [b, c] = ["b", "c"].map((id) => openTab(origin, store, id, { python: hold }));
  await origin.pass(beatMs);
  tabs[0].close();
  const puts = [b, c].map(({ id, relay }) => relay.call("put", { key: id, value: id }));

  await origin.pass(coreMs);
  const [ofB, ofC] = [b, c].map(({ bodies }) => bodies("status").at(-1));
  assert.deepEqual(
    [ofB, ofC].map(({ state, role }) => [state, role]),
    [
      ["role", "follower"],
      ["role", "follower"],
    ],
  );
  assert.deepEqual([ofB.error.code, ofB.error.details], ["boot-timeout", { step: "core" }]);
  assert.match(ofB.error.message, /another tab may hold the database.*tried again/i);
  assert.deepEqual(ofC.error, ofB.error);
  assert.deepEqual(
    [b, c].map(({ python }) => python.hosts.length),
    [1, 1],
  );

  await origin.pass(coreMs);
  hold.end();
  await origin.pass(beatMs);
  await Promise.all(puts);

  const boots = [b, c].map(({ python }) => python.hosts.length);
  assert.deepEqual(boots, [2, 1]);
  assert.deepEqual([b.states().at(-1), c.states().at(-1)], ["role writer", "role follower"]);
  assert.equal("error" in b.bodies("status").at(-1), false);
  // What was given up never took the store.
  assert.deepEqual(store.log, ["a boots", "b boots"]);
});

test("a runtime that gets through as it is given up is stopped before the next one boots", async () => {
  const origin = createOrigin();
  const store = createStore();
  const hold = createHold();
  // In the same turn as the deadline, before it.
  origin.timers.after(coreMs, hold.end);
  openTab(origin, store, "a", { python: hold });

  await origin.pass(coreMs + beatMs);

  assert.deepEqual(store.log, ["a boots", "a stops", "a boots"]);
});

for (const isAlone of [false, true])
  test(`a first boot is tried again as long as it takes, ${isAlone ? "without" : "with"} locks`, async () => {
    const origin = createOrigin();
    const store = createStore();
    const hold = createHold();
    const a = openTab(origin, store, "a", { isAlone, python: hold });
    await origin.pass(5 * coreMs);

    assert.deepEqual(a.states(), []);
    const { state, step, error } = a.bodies("status").findLast((body) => body.error);
    assert.deepEqual([state, step, error.code], ["booting", "core", "boot-timeout"]);
    hold.end();
    await origin.pass(beatMs);

    assert.deepEqual([a.states(), store.log], [["ready writer"], ["a boots"]]);
  });
