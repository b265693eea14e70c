/** What a page keeps and begins before the person has agreed, and what is left when they take it back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { START, page } from "./fake-page.js";
import { becomeReady } from "./supervised.js";

/** @import { TestContext } from "node:test" */

const scope = /** @type {any} */ (globalThis);
const GATED = { ...START, consent: false };
const FAILURE = new EdgeError("boot-failed", "no").toPlain();
const VIEW = { type: "mta", pageId: "Home" };

/**
 * An origin with these databases, which an erasure deletes.
 * @param {TestContext} t
 * @param {string[]} names
 * @returns {{erase: () => any}}  How a worker does it.
 */
function withDatabases(t, names) {
  let left = names;
  scope.indexedDB = { databases: async () => left.map((name) => ({ name })) };
  t.after(() => delete scope.indexedDB);
  return { erase: () => (left = []) };
}

/** @param {{heard: any[]}} page */
const asked = ({ heard }) => heard.map(([name]) => name);

test("without consent nothing boots, nothing is kept, and calls say what is missing", async (t) => {
  const { edge, workers, heard } = page(t);

  edge.track(VIEW);
  assert.equal(await edge.start(GATED), edge);
  edge.track(VIEW);
  for (const call of [edge.get("k"), edge.flush(), edge.put("k", 1)])
    await assert.rejects(call, { code: "runtime-stopped", message: /consent\(true\)/ });
  assert.equal(workers.length, 0);

  edge.consent(true);
  edge.track({ ...VIEW, pageId: "Later" });
  await edge.flush();

  assert.equal(workers.length, 1);
  const pages = JSON.parse(heard[0][1].batch).map((/** @type {any[]} */ row) => row[3]);
  assert.deepEqual(pages, ["Later"]);
});

test("consent that is given before the start lets it begin", async (t) => {
  const { edge, workers } = page(t);

  await edge.consent(true);
  const started = edge.start(GATED);
  await edge.flush();

  assert.equal(await started, edge);
  assert.equal(workers.length, 1);
});

test("consent that is taken back before the start holds against it", async (t) => {
  const { edge, workers } = page(t);

  await edge.consent(false);
  await edge.start(START);

  await assert.rejects(edge.flush(), { code: "runtime-stopped" });
  assert.equal(workers.length, 0);
});

test("taking it back erases and ends the worker, and sends nothing that waited", async (t) => {
  const own = page(t);
  const { edge, workers } = own;
  edge.start(START).catch(() => {});
  await edge.flush();
  /** @type {string[]} */
  const states = [];
  edge.on("status", ({ state }) => states.push(state));

  edge.track(VIEW);
  const revoked = edge.consent(false);
  edge.track(VIEW);
  await revoked;

  assert.deepEqual(asked(own), ["flush", "erase", "stop"]);
  assert.equal(workers[0].worker.isTerminated, true);
  assert.deepEqual(states, ["stopped"]);
});

test(
  "taking it back erases where the page is just back and its worker not yet",
  { timeout: 10_000 },
  async (t) => {
    const own = page(t);
    const { edge, window, workers } = own;
    edge.start(START).catch(() => {});
    await edge.flush();
    const left = (/** @type {string} */ type) =>
      window.dispatchEvent(Object.assign(new Event(type), { persisted: true }));

    left("pagehide");
    left("pageshow");
    await edge.consent(false);

    assert.deepEqual(asked(own), ["flush", "erase", "stop"]);
    assert.deepEqual(
      workers.map(({ worker }) => worker.isTerminated),
      [true, true],
    );
  },
);

test("an erasure that fails is told, and the worker ends nevertheless", async (t) => {
  const erase = () => {
    throw new Error("no");
  };
  const { edge, workers } = page(t, { handlers: { erase } });
  edge.start(START).catch(() => {});
  await edge.flush();

  await assert.rejects(edge.consent(false));

  assert.equal(workers[0].worker.isTerminated, true);
  await assert.rejects(edge.flush(), { code: "runtime-stopped" });
});

test("given again it begins again, when the erasure has ended", async (t) => {
  const own = page(t);
  const { edge, workers } = own;
  edge.start(START).catch(() => {});
  await edge.flush();

  const revoked = edge.consent(false);
  const granted = edge.consent(true);
  await revoked;
  await edge.flush();
  await granted;

  assert.equal(workers.length, 2);
  assert.deepEqual(asked(own), ["flush", "erase", "stop", "flush"]);
});

for (const [names, boots] of /** @type {[string[], number][]} */ ([
  [[], 0],
  [["edge-models", "other"], 0],
  [["edge-store"], 1],
  [["edge-keys"], 1],
])) {
  test(`a refusal boots ${boots} workers where earlier visits left ${names.join() || "nothing"}`, async (t) => {
    const own = page(t, { handlers: withDatabases(t, names) });
    await own.edge.start(GATED);

    await own.edge.consent(false);

    assert.equal(own.workers.length, boots);
    assert.deepEqual(asked(own), boots ? ["erase", "stop"] : []);
  });
}

test("what is stored is erased behind a stop, too", async (t) => {
  const own = page(t, { handlers: withDatabases(t, ["edge-store"]) });
  const { edge, workers } = own;
  edge.start(START).catch(() => {});
  await edge.flush();

  const stopped = edge.stop();
  await edge.consent(false);
  await stopped;

  assert.deepEqual(
    workers.map(({ options }) => options.isErasing),
    [undefined, true],
  );
  assert.deepEqual(asked(own), ["flush", "stop", "erase", "stop"]);
  assert.deepEqual(
    workers.map(({ worker }) => worker.isTerminated),
    [true, true],
  );
});

test("a refusal before any start does not pretend: the start makes up for it, and begins nothing", async (t) => {
  const own = page(t, { handlers: withDatabases(t, ["edge-store"]) });
  const { edge, workers } = own;

  await assert.rejects(edge.consent(false), { code: "runtime-stopped", message: /start\(\)/ });
  await edge.start(START);

  assert.deepEqual(asked(own), ["erase", "stop"]);
  assert.equal(workers[0].worker.isTerminated, true);
  await edge.start(START);
  assert.equal(workers.length, 1);
});

for (const [names, boots] of /** @type {[string[], number][]} */ ([
  [[], 1],
  [["edge-store"], 2],
])) {
  test(`where the runtime has failed ${boots - 1} more workers erase ${names.join() || "nothing"}`, async (t) => {
    let isFirst = true;
    const own = page(t, {
      handlers: withDatabases(t, names),
      onStart(rpc) {
        if (isFirst) rpc.notify("status", { state: "failed", error: FAILURE });
        else becomeReady(rpc);
        isFirst = false;
      },
    });
    const { edge, workers } = own;
    const started = assert.rejects(edge.start(START), { code: "boot-failed" });
    await assert.rejects(edge.flush(), { code: "boot-failed" });
    await started;

    await edge.consent(false);

    assert.equal(workers.length, boots);
    assert.deepEqual(asked(own), names.length ? ["erase", "stop"] : []);
  });
}

test("a refusal while nothing has booted yet boots nothing for nothing", async (t) => {
  withDatabases(t, []);
  const { edge, workers } = page(t);
  const started = assert.rejects(edge.start(START), { code: "runtime-stopped" });

  await edge.consent(false);

  assert.equal(workers.length, 0);
  await started;
});

test("two refusals erase one after the other, and what begins again waits for both", async (t) => {
  const { erase } = withDatabases(t, ["edge-store"]);
  const slow = async () => {
    // Longer than a worker takes to be ready.
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    return erase();
  };
  const own = page(t, { handlers: { erase: slow } });
  const { edge, workers } = own;
  edge.start(START).catch(() => {});
  await edge.flush();

  const first = edge.consent(false);
  const second = edge.consent(false);
  await first;
  const granted = edge.consent(true);
  await assert.rejects(edge.get("early"), { code: "runtime-stopped" });
  await second;
  await edge.flush();
  await granted;

  assert.deepEqual(asked(own), ["flush", "erase", "stop", "flush"]);
  assert.deepEqual(
    workers.map(({ worker }) => worker.isTerminated),
    [true, false],
  );
});

test("what a run in the middle writes behind the erasure is erased when the run has ended", async (t) => {
  const { erase } = withDatabases(t, ["edge-store"]);
  let runs = 1;
  const own = page(t, { handlers: { erase: () => (runs-- > 0 ? {} : erase()) } });
  const { edge, workers } = own;
  edge.start(START).catch(() => {});
  await edge.flush();

  await edge.consent(false);

  assert.deepEqual(asked(own), ["flush", "erase", "stop", "erase", "stop"]);
  assert.equal(workers.length, 2);
  await edge.start(START);
  assert.equal(workers.length, 2);
});

test("an erasure that failed is tried again by the next start", async (t) => {
  const { erase } = withDatabases(t, ["edge-store"]);
  let faults = 1;
  const own = page(t, {
    handlers: {
      erase() {
        if (faults-- > 0) throw new Error("no");
        return erase();
      },
    },
  });
  await own.edge.start(GATED);

  await assert.rejects(own.edge.consent(false));
  await own.edge.start(GATED);

  assert.deepEqual(asked(own), ["erase", "erase", "stop"]);
});

test("anything but a boolean is refused", async (t) => {
  const { edge } = page(t);

  await assert.rejects(edge.consent(/** @type {any} */ ("yes")), {
    code: "argument-invalid",
    details: { path: "consent" },
  });
});
