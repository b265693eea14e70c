/** A writer that is closed, frozen or fenced out: another goes on, and every promise is kept. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { REPLACED_MS, answered, batch, openTab, opened } from "./fake-tab.js";

const { beatMs } = OFFICE_LIMITS;

test("when the writer's tab is closed the next one boots, and every answer still comes", async () => {
  /** @type {Promise<void>} */
  const never = new Promise(() => {});
  const { origin, store, tabs } = await opened(["a"], { python: { commit: () => never } });
  const b = openTab(origin, store, "b");
  const c = openTab(origin, store, "c");
  await origin.pass(beatMs);
  const puts = [b, c].map(({ id, relay }) => relay.call("put", { key: id, value: id }));
  const tracked = c.relay.call("track", batch("e1"));
  const run = b.relay.call("infer", { callId: 1 });
  const lost = assert.rejects(run, { code: "worker-lost", message: /may have taken effect/ });
  await origin.settle();
  assert.equal(store.values.size, 0);

  tabs[0].close();
  await origin.pass(beatMs);
  await Promise.all([...puts, tracked, lost]);

  assert.deepEqual(b.states(), ["ready follower", "role writer"]);
  assert.deepEqual(c.states(), ["ready follower"]);
  assert.deepEqual([...store.values.keys()].sort(), ["b", "c"]);
  assert.deepEqual([...store.events], [["e1", "c"]]);
  const tracks = b.python.asked.filter(([method]) => method === "track");
  assert.deepEqual(
    tracks.map(([, , client, again]) => [client, again]),
    [["c", "again"]],
  );
  assert.equal(b.bodies("status").at(-1).boot.mode, "snapshot");
});

test("a frozen writer is replaced; thawed it follows, and what it had not answered is answered", async () => {
  let isHeld = false;
  const commit = () => (isHeld ? new Promise((resolve) => (release = resolve)) : Promise.resolve());
  /** @type {(value?: unknown) => void} */
  let release = () => {};
  const { origin, store, tabs } = await opened(["a"], { python: { commit } });
  const [a] = tabs;
  const b = openTab(origin, store, "b");
  await origin.pass(beatMs);
  isHeld = true;
  const mine = a.relay.call("put", { key: "a", value: 1 });
  await origin.settle();

  a.freeze();
  const theirs = b.relay.call("put", { key: "b", value: 2 });
  await origin.pass(REPLACED_MS);
  await theirs;
  assert.deepEqual(b.states(), ["ready follower", "role writer"]);
  a.thaw();
  release();
  await origin.pass(beatMs);
  await mine;

  assert.deepEqual(a.states(), ["ready writer", "role follower"]);
  assert.deepEqual(
    [...store.values],
    [
      ["b", 2],
      ["a", 1],
    ],
  );
  assert.deepEqual(store.log, ["a boots", "b boots", "a stops"]);
  assert.equal((await answered(origin, a.tab.statistics())).role, "follower");
});

test("a writer that the store has fenced out steps down, and may be the next", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  const [a] = tabs;
  store.generation++;

  await answered(origin, a.relay.call("put", { key: "a", value: 1 }));

  assert.deepEqual(a.states(), ["ready writer", "role follower", "role writer"]);
  assert.deepEqual(store.log, ["a boots", "a stops", "a boots"]);
  assert.equal(store.values.get("a"), 1);
});

test("one that is fenced out again and again gives up", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  for (let n = 0; n < 4; n++) {
    store.generation++;
    tabs[0].relay.call("flush", {}).catch(() => {});
    await origin.settle();
  }

  assert.equal(tabs[0].states().at(-1), "failed");
  assert.equal(tabs[0].bodies("status").at(-1).error.code, "writer-superseded");
  assert.deepEqual(origin.locks.held, []);
});

test("alone, fenced out is the end", async () => {
  const { origin, store, tabs } = await opened(["a"], { isAlone: true });
  store.generation++;
  tabs[0].relay.call("flush", {}).catch(() => {});
  await origin.settle();

  assert.deepEqual(tabs[0].states(), ["ready writer", "failed"]);
  assert.equal(tabs[0].bodies("status").at(-1).error.code, "writer-superseded");
});

test("five tabs come and go, and everything that was promised is there", async () => {
  const { origin, store, tabs } = await opened(["a", "b", "c", "d", "e"]);
  /** @type {Promise<unknown>[]} */
  const promised = [];
  let n = 0;
  for (const [index, gone] of tabs.entries()) {
    for (const { relay } of tabs.slice(index + 1))
      promised.push(
        relay.call("track", batch(`e${n++}`)),
        relay.call("put", { key: `k${n}`, value: n }),
      );
    if (index % 2) gone.close();
    else gone.freeze();
    await origin.pass(REPLACED_MS);
  }
  for (const each of tabs) each.thaw();
  await origin.pass(REPLACED_MS);

  await Promise.all(promised);
  assert.equal(store.events.size, n);
  assert.equal(store.values.size, n);
});

/** The pauses and resumes that reached a tab's Python. @param {import("./fake-tab.js").OpenTab} tab */
const pausesOf = ({ python }) =>
  python.asked.map(([method]) => method).filter((method) => /pause|resume/.test(method));

test("a follower's pause is told to the next writer before anything else", async () => {
  const { origin, tabs } = await opened(["a", "b", "c"]);
  const [a, b, c] = tabs;
  await answered(origin, c.relay.call("pause", {}));
  const tracked = c.relay.call("track", batch("e1"));

  a.close();
  await origin.pass(beatMs);
  await tracked;

  assert.equal(b.python.asked[0][0], "pause");
  assert.deepEqual(pausesOf(b), ["pause"]);
});

test("a writer's own pause outlives its term, and what another page said since replaces it", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [a, b] = tabs;
  await answered(origin, a.relay.call("pause", {}));
  a.freeze();
  await origin.pass(REPLACED_MS);
  assert.deepEqual(pausesOf(b), []);
  a.thaw();
  await origin.pass(beatMs);
  assert.deepEqual(pausesOf(b), ["pause"]);

  await answered(origin, b.relay.call("resume", {}));
  b.close();
  await origin.pass(beatMs);

  assert.equal(a.states().at(-1), "role writer");
  assert.deepEqual(pausesOf(a), ["pause"]);
  assert.deepEqual(a.bodies("overruled"), [{}]);
});
