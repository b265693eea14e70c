/** Runs that an earlier writer left: when the next one goes on with them, and who hears how they ended. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { batch, openTab, opened } from "./fake-tab.js";

const { beatMs, heldMs } = OFFICE_LIMITS;

/** Two tabs, of which the writer's worker is lost; the other one writes, and has an outcome for the page of the first. */
async function succeeded() {
  const { origin, store, tabs } = await opened(["a"]);
  const b = openTab(origin, store, "b");
  await origin.pass(beatMs);
  tabs[0].close();
  await origin.settle();
  b.python.hosts[0].page.notify("result", "for a", "a");
  await origin.settle();
  return { origin, store, b };
}

test("an outcome waits for its page, whichever worker that has by then", async () => {
  const { origin, store, b } = await succeeded();

  const next = openTab(origin, store, "a's next worker", { page: "a" });
  await origin.pass(heldMs + beatMs);

  assert.deepEqual([next.bodies("result"), b.bodies("result")], [["for a"], []]);
});

test("an outcome for a page that does not come is told to all there are", async () => {
  const { origin, store, b } = await succeeded();
  const c = openTab(origin, store, "c");

  await origin.pass(heldMs - 1);
  assert.deepEqual(b.bodies("result"), []);
  b.python.hosts[0].page.notify("error", "also for a", "a");
  await origin.pass(1);

  for (const { bodies } of [b, c])
    assert.deepEqual([...bodies("result"), ...bodies("error")], ["for a", "also for a"]);
});

test("an outcome waits for the page of a tab whose worker is replaced meanwhile", async () => {
  const { origin, store, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  b.close();
  await origin.settle();
  a.python.hosts[0].page.notify("result", "for b", "b");

  const next = openTab(origin, store, "b's next worker", { page: "b" });
  await origin.pass(beatMs);

  assert.deepEqual([next.bodies("result"), a.bodies("result")], [["for b"], []]);
});

test("an outcome for a page that was here and has gone is told to nobody", async () => {
  const { origin, tabs } = await opened(["a", "b", "c"]);
  const [a, b] = tabs;
  b.close();
  await origin.settle();

  a.python.hosts[0].page.notify("result", "for b", "b");
  await origin.pass(heldMs);

  assert.deepEqual([...a.bodies("result"), ...tabs[2].bodies("result")], []);
});

test("a writer goes on with what is left once its page is served, and not before it is paused", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  await b.relay.call("pause", {});
  assert.deepEqual([a.python.takenUp, b.python.takenUp], [[0], []]);

  a.close();
  b.relay.call("track", batch("e1"));
  await origin.settle();

  assert.deepEqual(b.python.asked[0], ["pause", {}]);
  assert.deepEqual(b.python.takenUp.length, 1);
  assert.ok(b.python.takenUp[0] > 0);
});

test("a writer that was started to erase goes on with nothing", async () => {
  const { tabs } = await opened(["a"], { isErasing: true });

  assert.deepEqual(tabs[0].states(), ["ready writer"]);
  assert.deepEqual(tabs[0].python.takenUp, []);
});
