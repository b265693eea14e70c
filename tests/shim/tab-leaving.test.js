/** Tabs whose page is left, frozen with a word, or stopped: they hold nothing and lose nothing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { answered, batch, opened } from "./fake-tab.js";

const { beatMs } = OFFICE_LIMITS;

test("a writer whose page is left hands over at once; back, it follows", async () => {
  const { origin, store, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  const mine = a.relay.call("put", { key: "a", value: 1 });

  a.tab.leave();
  a.tab.leave();
  await origin.pass(beatMs);
  await mine;
  assert.deepEqual(b.states(), ["ready follower", "role writer"]);
  assert.deepEqual(store.log, ["a boots", "a stops", "b boots"]);

  const held = a.relay.call("get", { key: "a" });
  await origin.pass(60_000);
  a.tab.join();
  await origin.pass(beatMs);
  assert.equal(await held, 1);
  assert.equal((await answered(origin, a.tab.statistics())).role, "follower");
  assert.deepEqual(b.states(), ["ready follower", "role writer"]);
});

test("a page that is left and comes back alone boots again in the same interpreter", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  const [a] = tabs;
  a.tab.leave();
  a.tab.join();
  await origin.pass(beatMs);

  assert.deepEqual(store.log, ["a boots", "a stops", "a boots"]);
  assert.deepEqual(a.states(), ["ready writer", "role writer"]);
  assert.equal((await answered(origin, a.relay.call("get", { key: "x" }))).value, null);
});

test("a follower whose page is left holds nothing, and its last events arrive", async () => {
  const { origin, store, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  const run = b.relay.call("infer", { callId: 1 });
  run.catch(() => {});
  await origin.settle();

  b.relay.call("track", batch("last"));
  b.tab.leave();
  b.close();
  await origin.settle();

  assert.deepEqual([...store.events], [["last", "b"]]);
  assert.deepEqual(origin.locks.held, ["edge-writer"]);
  a.python.hosts[0].page.notify("result", "too late", "b");
  await origin.pass(60_000);
  assert.deepEqual(a.states(), ["ready writer"]);
});

test("runs of a tab that is gone are cancelled", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  b.relay.call("infer", { callId: 1 }).catch(() => {});
  await origin.settle();
  const [, { callId }] = a.python.asked.find(([method]) => method === "infer");

  b.close();
  await origin.settle();

  assert.deepEqual(a.python.asked.at(-1), ["cancel", callId]);
});

test("a follower's stop leaves Python running, the writer's hands over", async () => {
  const { origin, store, tabs } = await opened(["a", "b", "c"]);
  const [a, b, c] = tabs;

  const stopped = b.tab.stop();
  await origin.pass(beatMs);
  assert.deepEqual(await stopped, {});
  assert.deepEqual(store.log, ["a boots"]);

  const last = a.tab.stop();
  await origin.pass(beatMs);
  assert.deepEqual(await last, {});
  assert.deepEqual(store.log, ["a boots", "a stops", "c boots"]);
  assert.deepEqual(c.states(), ["ready follower", "role writer"]);
  assert.deepEqual(b.states(), ["ready follower"]);
});
