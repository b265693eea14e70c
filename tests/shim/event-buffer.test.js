/** Events wait in order, leave once a turn, and none is lost without being counted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventBuffer } from "../../js_shim/event-buffer.js";

/** @import { EventRow } from "../../js_shim/protocol.js" */

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * @param {number} n
 * @param {Record<string, unknown>} [props]
 */
const event = (n, props = {}) => JSON.stringify([`e${n}`, n, "mta", "Home", null, 1, props]);

/**
 * Whole numbers below a limit, the same ones for a seed.
 * @param {number} seed
 */
function random(seed) {
  let state = seed;
  return (/** @type {number} */ limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

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
  const { buffer, batches, ship } = bufferInTurns({ waitingEvents: 3, onDrop });

  for (const n of [1, 2, 3, 4, 5]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4", "e5"]]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.deepEqual(told, ["too many are waiting"]);
});

test("a turn with very many events loses none: full batches do not wait for its end", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns({ waitingEvents: 4, batchEvents: 3 });
  buffer.connect(ship);

  for (const n of [1, 2, 3, 4, 5, 6, 7]) buffer.add(event(n));
  endTurn();

  assert.deepEqual(batches, [["e1", "e2", "e3"], ["e4", "e5", "e6"], ["e7"]]);
  assert.equal(buffer.counts.dropped, 0);
});

test("a connection that ends while events leave keeps the rest", () => {
  const { buffer } = bufferInTurns({ batchEvents: 1 });
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
  const { buffer, batches, ship } = bufferInTurns({ batchEvents: 2 });
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

test("a burst above what is kept: the oldest of it counts as lost only when its worker goes", () => {
  /** @type {string[]} */
  const told = [];
  const onDrop = (/** @type {string} */ reason) => told.push(reason);
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 4, batchEvents: 2, onDrop });
  buffer.connect(() => new Promise(() => {}));
  for (const n of [1, 2, 3, 4, 5, 6]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 4, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [
    ["e3", "e4"],
    ["e5", "e6"],
  ]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.deepEqual(told, ["too many were on their way when their worker was lost"]);
});

test("a loss of the worker counts what was given up before, also where another follows at once", () => {
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 1, batchEvents: 1 });
  buffer.connect(() => new Promise(() => {}));
  for (const n of [1, 2, 3]) buffer.add(event(n));

  buffer.connect(ship);
  buffer.connect(undefined);

  assert.deepEqual(batches, [["e3"]]);
  assert.deepEqual(buffer.counts, { waiting: 1, dropped: 2 });
});

test("what was given up is lost neither when it is confirmed, nor twice when it is refused", async () => {
  const { buffer } = bufferInTurns({ keptEvents: 1, batchEvents: 1 });
  /** @type {{resolve: (value: unknown) => void, reject: (error: Error) => void}[]} */
  const sent = [];
  buffer.connect(() => new Promise((resolve, reject) => sent.push({ resolve, reject })));
  for (const n of [1, 2, 3]) buffer.add(event(n));

  sent[0].resolve({});
  sent[1].reject(new Error("a defect"));
  await nextTurn();
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 1 });

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 1, dropped: 1 });
});

test("one event a turn: a hundred thousand are kept until they are confirmed, and leave in few batches", () => {
  const { buffer, batches, ship } = bufferInTurns();
  buffer.connect(() => new Promise(() => {}));
  for (let n = 0; n < 100_001; n++) {
    buffer.add(event(n));
    buffer.drain();
  }

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 100_000, dropped: 1 });
  buffer.connect(ship);

  assert.equal(batches.length, 100);
  assert.deepEqual([batches[0][0], batches[99][999]], ["e1", "e100000"]);
});

test("large events are bounded by their characters, sent ones first", () => {
  const size = event(1).length;
  const { buffer, batches, ship } = bufferInTurns({ keptChars: 3 * size, batchEvents: 1 });
  buffer.connect(() => new Promise(() => {}));
  for (const n of [1, 2, 3, 4]) buffer.add(event(n));
  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 1 });

  for (const n of [5, 6, 7, 8]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 5 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e6"], ["e7"], ["e8"]]);
});

test("before any worker 32 Mi characters wait", () => {
  const { buffer } = bufferInTurns();
  const text = "x".repeat(16_000);

  for (let n = 0; n < 2_200; n++) buffer.add(event(n, { text }));

  const { waiting, dropped } = buffer.counts;
  assert.equal(waiting, Math.floor((32 * 2 ** 20) / event(1_000, { text }).length));
  assert.equal(waiting + dropped, 2_200);
});

test("an event larger than everything that is kept is counted like any other", () => {
  const { buffer } = bufferInTurns({ keptChars: 10 });

  buffer.add(event(1));

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 1 });
});

test("a bound that holds all the time forgets nothing that is confirmed in time", async () => {
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 2, batchEvents: 1 });
  buffer.connect(ship);
  for (const n of [1, 2, 3, 4, 5]) {
    buffer.add(event(n));
    await Promise.resolve();
  }

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });
  assert.equal(batches.length, 5);
});

test("what comes back leaves room for as many as may wait without it", async () => {
  const { buffer, batches, ship } = bufferInTurns({ waitingEvents: 2, batchEvents: 2 });
  buffer.connect(() => Promise.reject(new Error("lost")));
  for (const n of [1, 2]) buffer.add(event(n));

  buffer.connect(undefined);
  for (const n of [3, 4, 5]) buffer.add(event(n));
  await nextTurn();
  assert.deepEqual(buffer.counts, { waiting: 4, dropped: 1 });
  buffer.connect(ship);

  assert.deepEqual(batches, [
    ["e1", "e2"],
    ["e4", "e5"],
  ]);
});

test("whatever happens, what was added is confirmed, kept or counted", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const below = random(seed);
    const { buffer } = bufferInTurns({ waitingEvents: 5, keptEvents: 12, batchEvents: 3 });
    /** @type {{size: number, resolve: (value: unknown) => void, reject: (error: Error) => void}[]} */
    let sent = [];
    const ship = (/** @type {string} */ batch) =>
      new Promise((resolve, reject) =>
        sent.push({ size: JSON.parse(batch).length, resolve, reject }),
      );
    let [added, confirmed] = [0, 0];
    for (let step = 0; step < 200; step++) {
      const [answered] = below(3) ? [] : sent.splice(below(sent.length || 1), 1);
      if (answered && below(4)) {
        confirmed += answered.size;
        answered.resolve({});
      } else answered?.reject(new Error("refused"));
      await Promise.resolve();
      if (below(15) === 0) {
        sent = [];
        buffer.connect(below(3) ? (batch) => ship(batch) : undefined);
      }
      for (let n = below(4); n > 0; n--) buffer.add(event(added++));
      if (below(2)) buffer.drain();
    }
    await nextTurn();

    buffer.connect(undefined);
    const { waiting, dropped } = buffer.counts;
    assert.deepEqual([seed, waiting + dropped + confirmed], [seed, added]);
    assert.ok(waiting <= 12);
  }
});

test("a batch that is refused is counted, and the first one told with its reason", async () => {
  /** @type {string[]} */
  const told = [];
  const onDrop = (/** @type {string} */ reason) => told.push(reason);
  const { buffer } = bufferInTurns({ batchEvents: 2, onDrop });
  buffer.connect(() => Promise.reject(new Error("a defect")));

  for (const n of [1, 2, 3, 4]) buffer.add(event(n));
  await Promise.resolve();
  await Promise.resolve();

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 4 });
  assert.deepEqual(told, ["refused: a defect"]);
});
