/** Several tabs of one origin: one runs Python, and the others ask it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { batch, openTab, opened } from "./fake-tab.js";

const { beatMs } = OFFICE_LIMITS;

test("the first tab is the writer, the second a follower without Python", async () => {
  const { store, tabs } = await opened(["a", "b"], { python: { problems: [{ code: "x" }] } });

  const [a, b] = tabs.map(({ bodies }) => bodies("status").at(-1));
  assert.deepEqual([a.state, a.role, a.boot.mode], ["ready", "writer", "snapshot"]);
  assert.deepEqual(Object.keys(a.boot.stepsMs), ["core", "loading"]);
  assert.deepEqual([b.state, b.role, b.boot.mode], ["ready", "follower", "forwarding"]);
  assert.deepEqual([b.boot.stepsMs, b.problems], [{}, [{ code: "x" }]]);
  assert.deepEqual(store.log, ["a boots"]);
});

test("a follower's values, events and calls reach the writer under its name", async () => {
  const { origin, store, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;

  const answers = Promise.all([
    b.relay.call("put", { key: "k", value: [1] }),
    b.relay.call("track", batch("e1", "e2")),
    b.relay.call("get", { key: "k" }),
    a.relay.call("track", batch("e3")),
    b.tab.statistics(),
    a.tab.statistics(),
  ]);
  await origin.settle();
  const [, , value, , ofFollower, ofWriter] = await answers;

  assert.deepEqual(value, [1]);
  assert.deepEqual(
    [...store.events],
    [
      ["e3", "a"],
      ["e1", "b"],
      ["e2", "b"],
    ],
  );
  assert.deepEqual([ofWriter.role, ofWriter.boot.mode], ["writer", "snapshot"]);
  assert.deepEqual([ofFollower.role, ofFollower.boot.mode], ["follower", "forwarding"]);
  assert.deepEqual([ofFollower.uptimeMs, ofFollower.memory], [1, { pythonHeapBytes: 8 }]);
});

test("runs of two tabs with the same call id are two runs; each tab cancels its own", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;

  const mine = a.relay.call("infer", { callId: 1, systemCode: "s" });
  const theirs = b.relay.call("infer", { callId: 1, systemCode: "s" });
  await origin.settle();
  const ids = a.python.asked.map(([, params]) => params.callId);
  assert.equal(new Set(ids).size, 2);
  b.relay.cancel(1);
  const cancelled = assert.rejects(theirs, { code: "run-cancelled" });
  await origin.settle();
  await cancelled;
  a.python.cores[0].runs.get(ids[0])?.({ value: 5 });

  assert.deepEqual((await mine).value, { value: 5 });
});

test("a notice goes to the tab it is for, or to all", async () => {
  const { origin, tabs } = await opened(["a", "b", "c"]);
  const [a] = tabs;
  const { page } = a.python.hosts[0];

  page.notify("result", "for a", "a");
  page.notify("result", "for b", "b");
  page.notify("result", "for nobody", "gone");
  page.notify("log", "for all", null);
  await origin.settle();

  assert.deepEqual(
    tabs.map(({ bodies }) => bodies("result")),
    [["for a"], ["for b"], []],
  );
  assert.deepEqual(
    tabs.map(({ bodies }) => bodies("log")),
    [["for all"], ["for all"], ["for all"]],
  );
});

test("a tab with another configuration is told that the writer's counts", async () => {
  const { origin, store } = await opened(["a"]);
  const b = openTab(origin, store, "b", { config: "https://shop.example/other.json" });
  await origin.pass(beatMs);

  assert.deepEqual(
    b.bodies("log").map(({ level }) => level),
    ["warning"],
  );
});
