/** Letters of pages that are left: what lies in localStorage, and who takes it away. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutbox } from "../../js_shim/outbox.js";
import { START, page } from "./fake-page.js";

/** @import { TestContext } from "node:test" */

const KEY = "edge-outbox";
const PAD_BYTES = 256;
const ROWS = ['["e1",1,"mta","Söfa"]', '["e2",2,"mta","Sofa"]'];
const scope = /** @type {any} */ (globalThis);

/** @param {TestContext} t @param {any} storage */
function withStorage(t, storage) {
  const before = Object.getOwnPropertyDescriptor(scope, "localStorage");
  Object.defineProperty(scope, "localStorage", { value: storage, configurable: true });
  t.after(() => {
    if (before) Object.defineProperty(scope, "localStorage", before);
    else delete scope.localStorage;
  });
  return storage;
}

/** A core's answers: paper whose pads are known here. */
function core() {
  /** @type {Record<string, Uint8Array>} */
  const pads = {};
  /** @type {any[]} */
  const asked = [];
  return {
    pads,
    asked,
    /** @param {string} method @param {any} params */
    async call(method, params) {
      asked.push([method, params.letters]);
      if (method !== "outbox") return {};
      const seal = `seal${Object.keys(pads).length}`;
      pads[seal] = crypto.getRandomValues(new Uint8Array(PAD_BYTES));
      return { seal, pad: pads[seal] };
    },

    /** @param {string} letters */
    opened(letters) {
      return letters
        .split("\n")
        .slice(0, -1)
        .map((line) => {
          const [seal, hidden] = line.split(" ");
          const bytes = hidden.split(",").map((each, at) => Number(each) ^ pads[seal][at]);
          return new TextDecoder().decode(Uint8Array.from(bytes)).split("\n");
        });
    },
  };
}

/** @param {ReturnType<typeof core>} rpc */
const asRpc = (rpc) => /** @type {any} */ (rpc);

test("a page's events lie hidden until another page's core has stored them", async (t) => {
  const storage = withStorage(t, {});
  const rpc = core();
  const left = createOutbox();
  await left.exchange(asRpc(rpc));
  assert.deepEqual([rpc.asked, storage], [[["outbox", undefined]], {}]);

  await left.write(() => ROWS);
  const letter = storage[KEY];
  assert.doesNotMatch(letter, /mta|Sofa/);
  assert.deepEqual(rpc.opened(letter), [ROWS]);

  await createOutbox().exchange(asRpc(rpc));
  assert.deepEqual(rpc.asked.slice(1), [["outbox", letter]]);
  assert.equal(storage[KEY], "");
});

test("paper is for one letter: a page that is left again writes no second one under its pad", async (t) => {
  const storage = withStorage(t, {});
  const outbox = createOutbox();
  await assert.rejects(
    outbox.write(() => ROWS),
    TypeError,
  );
  await outbox.exchange(asRpc(core()));
  await outbox.write(() => ROWS);
  const letter = storage[KEY];

  await assert.rejects(
    outbox.write(() => ROWS),
    TypeError,
  );

  assert.equal(storage[KEY], letter);
});

test("the latest events fit, the core leaves out the row that was cut", async (t) => {
  const storage = withStorage(t, {});
  const rpc = core();
  const outbox = createOutbox();
  await outbox.exchange(asRpc(rpc));

  await outbox.write(() => ["x".repeat(300), ...ROWS]);

  const [[cut, ...whole]] = rpc.opened(storage[KEY]);
  assert.match(cut, /^x+$/);
  assert.deepEqual(whole, ROWS);
});

test("what other pages write or bring meanwhile is theirs", async (t) => {
  const storage = withStorage(t, { [KEY]: "old 1\n" });
  const rpc = core();
  for (const [during, after] of [
    ["old 1\nnew 2\n", "new 2\n"],
    ["newer 3\n", "newer 3\n"],
  ]) {
    rpc.call = async () => {
      storage[KEY] = during;
      return {};
    };
    await createOutbox().exchange(asRpc(rpc));
    assert.equal(storage[KEY], after);
    storage[KEY] = "old 1\n";
  }
});

test("letters that could not be stored wait for another page", async (t) => {
  const storage = withStorage(t, { [KEY]: "old 1\n" });
  const outbox = createOutbox();
  const rpc = core();
  rpc.call = async () => {
    throw new Error("memory only");
  };

  await assert.rejects(outbox.exchange(asRpc(rpc)), /memory only/);
  await assert.rejects(outbox.write(() => ROWS));

  assert.equal(storage[KEY], "old 1\n");
});

test("a page that is left writes what is not confirmed; one without localStorage goes on", async (t) => {
  const storage = withStorage(t, {});
  const rpc = core();
  const { edge, window, heard } = page(t, {
    handlers: {
      outbox: (params) => rpc.call("outbox", params),
      track: () => new Promise(() => {}),
    },
  });
  await edge.start(START);
  await edge.flush();
  edge.track({ type: "mta", pageId: "Home" });

  window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: false }));

  const [[row]] = rpc.opened(storage[KEY]);
  assert.deepEqual(JSON.parse(row).slice(2, 4), ["mta", "Home"]);

  withStorage(t, null);
  edge.track({ type: "mta", pageId: "Other" });
  window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: false }));
  await new Promise(setImmediate);
  assert.match(heard.filter(([name]) => name === "track").at(-1)[1].batch, /Other/);
});

test("who takes consent back leaves no letter, and brings none", async (t) => {
  const storage = withStorage(t, {});
  const rpc = core();
  const { edge, window } = page(t, {
    handlers: {
      outbox: (params) => rpc.call("outbox", params),
      flush: () => void (storage[KEY] = "old 1\n"),
    },
  });
  await edge.start(START);
  await edge.flush();

  await edge.consent(false);
  window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));

  assert.deepEqual(storage, {});
  assert.deepEqual(rpc.asked, [["outbox", undefined]]);
});
