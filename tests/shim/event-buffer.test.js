/** Events wait in order, leave once a turn, and none is lost without being counted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventBuffer } from "../../js_shim/event-buffer.js";

/** @param {number} pv */
const event = (pv) => ({ id: `e${pv}`, ts: pv, type: "mta", pageId: "Home", pv: true });

/** @param {Parameters<typeof createEventBuffer>[0]} [options] */
function bufferInTurns(options = {}) {
  /** @type {(() => void)[]} */
  const deferred = [];
  /** @type {string[][]} */
  const batches = [];
  const buffer = createEventBuffer({ ...options, defer: (task) => deferred.push(task) });
  return {
    buffer,
    batches,
    deferred,
    /** @param {string} batch */
    ship: async (batch) =>
      void batches.push(JSON.parse(batch).map((/** @type {{id: string}} */ { id }) => id)),
    endTurn: () => deferred.splice(0).forEach((task) => task()),
  };
}

test("events of one turn leave as one batch at its end, in order", () => {
  const { buffer, batches, deferred, ship, endTurn } = bufferInTurns();
  buffer.connect(ship);

  for (const n of [1, 2, 3]) buffer.add(event(n));
  assert.deepEqual([batches.length, deferred.length], [0, 1]);
  endTurn();
  buffer.add(event(4));
  endTurn();

  assert.deepEqual(batches, [["e1", "e2", "e3"], ["e4"]]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });
});

test("events from before the connection leave first and at once", () => {
  const { buffer, batches, deferred, ship, endTurn } = bufferInTurns();

  buffer.add(event(1));
  buffer.add(event(2));
  assert.deepEqual([buffer.counts.waiting, deferred.length], [2, 0]);
  buffer.connect(ship);
  buffer.add(event(3));
  endTurn();

  assert.deepEqual(batches, [["e1", "e2"], ["e3"]]);
});

test("a lost connection holds events back until the next one", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns();
  buffer.connect(ship);

  buffer.add(event(1));
  buffer.connect(undefined);
  endTurn();
  buffer.add(event(2));
  assert.deepEqual(batches, []);
  buffer.connect(ship);
  endTurn();

  assert.deepEqual(batches, [["e1", "e2"]]);
});

test("drain sends at once, without a second sending at the turn's end", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns();
  buffer.connect(ship);

  buffer.add(event(1));
  buffer.drain();
  endTurn();

  assert.deepEqual(batches, [["e1"]]);
});

test("above the bound the oldest goes and is counted; the first loss is told once", () => {
  let told = 0;
  const { buffer, batches, ship } = bufferInTurns({ capacity: 3, onFull: () => (told += 1) });

  for (const n of [1, 2, 3, 4, 5]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4", "e5"]]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.equal(told, 1);
});

test("a turn with very many events loses none: full batches do not wait for its end", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns({ capacity: 4, batch: 3 });
  buffer.connect(ship);

  for (const n of [1, 2, 3, 4, 5, 6, 7]) buffer.add(event(n));
  endTurn();

  assert.deepEqual(batches, [["e1", "e2", "e3"], ["e4", "e5", "e6"], ["e7"]]);
  assert.equal(buffer.counts.dropped, 0);
});

test("an event that is not JSON-able is refused and leaves no trace", () => {
  const { buffer } = bufferInTurns();

  assert.throws(() => buffer.add({ ...event(1), props: { big: 1n } }), TypeError);

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });
});

test("a connection that ends while events leave keeps the rest", () => {
  const { buffer } = bufferInTurns({ batch: 1 });
  for (const n of [1, 2]) buffer.add(event(n));
  /** @type {string[]} */
  const sent = [];

  buffer.connect(async (batch) => {
    sent.push(batch);
    buffer.connect(undefined);
  });

  assert.equal(sent.length, 1);
  assert.deepEqual(buffer.counts, { waiting: 2, dropped: 0 });
});

test("what a lost connection did not confirm leaves again, before what came later", async () => {
  const { buffer, batches, ship } = bufferInTurns({ batch: 2 });
  /** @type {(() => void)[]} */
  const confirm = [];
  buffer.connect(() => new Promise((resolve) => confirm.push(() => resolve(undefined))));
  for (const n of [1, 2, 3, 4, 5, 6]) buffer.add(event(n));
  confirm[0]();
  await Promise.resolve();

  buffer.connect(undefined);
  buffer.add(event(7));
  assert.deepEqual(buffer.counts, { waiting: 5, dropped: 0 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4"], ["e5", "e6"], ["e7"]]);
});

test("what comes back is bounded like what waits", () => {
  let told = 0;
  const { buffer, batches, ship } = bufferInTurns({
    capacity: 3,
    batch: 2,
    onFull: () => (told += 1),
  });
  buffer.connect(() => Promise.reject(new Error("lost")));
  for (const n of [1, 2, 3, 4, 5, 6]) buffer.add(event(n));

  buffer.connect(undefined);
  buffer.connect(ship);

  assert.deepEqual(batches, [["e4", "e5"], ["e6"]]);
  assert.deepEqual([buffer.counts.dropped, told], [3, 1]);
});
