/** Events wait in order, leave once a turn, and none is lost without being counted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventBuffer } from "../../js_shim/event-buffer.js";

/** @import { EventRow } from "../../js_shim/protocol.js" */

/**
 * @param {number} n
 * @param {Record<string, unknown>} [props]
 * @returns {EventRow}
 */
const event = (n, props = {}) => [`e${n}`, n, "mta", "Home", null, 1, props];

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
      void batches.push(JSON.parse(batch).map((/** @type {EventRow} */ [id]) => id)),
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
  /** @type {string[]} */
  const told = [];
  const onDrop = (/** @type {string} */ reason) => told.push(reason);
  const { buffer, batches, ship } = bufferInTurns({ capacity: 3, onDrop });

  for (const n of [1, 2, 3, 4, 5]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4", "e5"]]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.deepEqual(told, ["too many are waiting"]);
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

  assert.throws(() => buffer.add(event(1, { big: 1n })), TypeError);

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

test("what was delivered and is not confirmed is kept up to the bound, the latest of it", () => {
  const { buffer, batches, ship } = bufferInTurns({ capacity: 4, batch: 2 });
  buffer.connect(() => new Promise(() => {}));
  for (const n of [1, 2, 3, 4, 5, 6]) buffer.add(event(n));

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 4, dropped: 0 });
  buffer.connect(ship);

  assert.deepEqual(batches, [
    ["e3", "e4"],
    ["e5", "e6"],
  ]);
});

test("a bound that holds all the time forgets nothing that is confirmed in time", async () => {
  const { buffer, batches, ship } = bufferInTurns({ capacity: 2, batch: 1 });
  buffer.connect(ship);
  for (const n of [1, 2, 3, 4, 5]) {
    buffer.add(event(n));
    await Promise.resolve();
  }

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });
  assert.equal(batches.length, 5);
});

test("what comes back is bounded like what waits", () => {
  let told = 0;
  const { buffer, batches, ship } = bufferInTurns({
    capacity: 3,
    batch: 2,
    onDrop: () => (told += 1),
  });
  buffer.connect(() => Promise.reject(new Error("lost")));
  for (const n of [1, 2]) buffer.add(event(n));

  buffer.connect(undefined);
  for (const n of [3, 4, 5]) buffer.add(event(n));
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4"], ["e5"]]);
  assert.deepEqual([buffer.counts.dropped, told], [2, 1]);
});

test("a batch that is refused is counted, and the first one told with its reason", async () => {
  /** @type {string[]} */
  const told = [];
  const onDrop = (/** @type {string} */ reason) => told.push(reason);
  const { buffer } = bufferInTurns({ batch: 2, onDrop });
  buffer.connect(() => Promise.reject(new Error("a defect")));

  for (const n of [1, 2, 3, 4]) buffer.add(event(n));
  await Promise.resolve();
  await Promise.resolve();

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 4 });
  assert.deepEqual(told, ["refused: a defect"]);
});
