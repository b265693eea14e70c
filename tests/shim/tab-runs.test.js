/** What Python says of runs' code reaches the writer's own page, in that page's terms. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { opened } from "./fake-tab.js";

const PARAMS = { systemCode: "shop", businessCode: "sum" };

test("the writer's page hears of runs, by its own ids of calls; a follower's does not", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  // Python counts the calls of all pages: this one is its first, and so on.
  b.relay.call("infer", { ...PARAMS, callId: 70 }).catch(() => {});
  await origin.settle();
  a.relay.call("infer", { ...PARAMS, callId: 30 }).catch(() => {});
  await origin.settle();
  const { watchRun } = a.python.hosts[0].page;

  watchRun("r1", "Sum", 1, 700);
  watchRun("r2", "Sum", 2, 700);
  watchRun("r3", "Sum", "a", 700);
  watchRun("r4", "Sum", "b", 700);
  watchRun("r5", "Sum", undefined, 700);
  watchRun("r2", "Sum", undefined, undefined);
  await origin.settle();

  const sum = { taskName: "Sum", leftMs: 700 };
  assert.deepEqual(a.bodies("run"), [
    { runId: "r1", ...sum, callId: 70, isOwn: false },
    { runId: "r2", ...sum, callId: 30, isOwn: true },
    { runId: "r3", ...sum, callId: undefined, isOwn: true },
    { runId: "r4", ...sum, callId: undefined, isOwn: false },
    { runId: "r5", ...sum, callId: undefined, isOwn: false },
    { runId: "r2" },
  ]);
  assert.deepEqual(b.bodies("run"), []);
});

test("a call that was answered is nobody's any more", async () => {
  const { origin, tabs } = await opened(["a"]);
  const [a] = tabs;
  const call = a.relay.call("infer", { ...PARAMS, callId: 30 }).catch(() => {});
  await origin.settle();
  a.relay.cancel(30);
  await call;

  a.python.hosts[0].page.watchRun("r1", "Sum", 1, 700);

  assert.deepEqual(
    a.bodies("run").map(({ isOwn }) => isOwn),
    [false],
  );
});
