/** Tabs whose page ends or stops: they hold nothing and lose nothing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { batch, opened } from "./fake-tab.js";

const { beatMs } = OFFICE_LIMITS;

test("a follower whose page ends holds nothing, and its last events arrive", async () => {
  const { origin, store, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  const run = b.relay.call("infer", { callId: 1 });
  run.catch(() => {});
  await origin.settle();

  b.relay.call("track", batch("last"));
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
