/** Events wait in order, leave once a turn as far as the worker keeps up, and none is lost without being counted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventBuffer, worthOf } from "../../js_shim/event-buffer.js";

/** @import { EventRow } from "../../js_shim/protocol.js" */

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

const [EXPOSURE, VIEW, CLICK] = [0, 1, 2];

/**
 * @param {number} n
 * @param {Record<string, unknown>} [props]
 */
const event = (n, props = {}, worth = VIEW) => ({
  text: JSON.stringify([`e${n}`, n, "mta", "Home", null, 1, props]),
  worth,
});

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

/**
 * @param {string} batch
 * @returns {string[]}
 */
const idsOf = (batch) => JSON.parse(batch).map((/** @type {EventRow} */ [id]) => id);

/** A way whose batches are confirmed or refused when the test says so. */
function slowWay() {
  /** @type {{ids: string[], resolve: (value?: unknown) => void, reject: (error: Error) => void}[]} */
  const sent = [];
  return {
    sent,
    /** @param {string} batch */
    ship: (batch) =>
      new Promise((resolve, reject) => sent.push({ ids: idsOf(batch), resolve, reject })),
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
    ship: async (batch) => void batches.push(idsOf(batch)),
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

test("what is sent by hand leaves at once, without a second sending at the turn's end", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns();
  buffer.connect(ship);

  buffer.add(event(1));
  buffer.send(Infinity);
  endTurn();

  assert.deepEqual(batches, [["e1"]]);
});

test("above the bound the oldest goes and is counted; the first loss is told once", () => {
  /** @type {string[]} */
  const told = [];
  const onDrop = (/** @type {string} */ reason) => told.push(reason);
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 3, onDrop });

  for (const n of [1, 2, 3, 4, 5]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e3", "e4", "e5"]]);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.deepEqual(told, ["too many are waiting"]);
});

test("exposures are worth least, then views and exits, then all others", () => {
  assert.deepEqual(
    [
      worthOf("mta.exposure", false),
      worthOf("mta", true),
      worthOf("mta.exit", true),
      worthOf("mta", false),
      worthOf("cart", false),
    ],
    [EXPOSURE, VIEW, VIEW, CLICK, CLICK],
  );
});

test("the oldest of the least valuable makes room, and the rest leaves in order", () => {
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 5 });
  const worths = [CLICK, VIEW, EXPOSURE, VIEW, EXPOSURE, CLICK, VIEW, EXPOSURE];

  worths.forEach((worth, n) => buffer.add(event(n, {}, worth)));
  assert.deepEqual(buffer.counts, { waiting: 5, dropped: 3 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e0", "e1", "e3", "e5", "e6"]]);
});

test("what is worth less than everything that waits finds no room itself", () => {
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 2 });

  [CLICK, CLICK, VIEW, EXPOSURE].forEach((worth, n) => buffer.add(event(n, {}, worth)));
  assert.deepEqual(buffer.counts, { waiting: 2, dropped: 2 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e0", "e1"]]);
});

test("among equals in worth the latest stay: as a naive buffer has it, looked at now or later", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const below = random(seed);
    const keptEvents = 20 + below(40);
    const { buffer, batches, ship } = bufferInTurns({ keptEvents });
    /** @type {{id: string, worth: number}[]} */
    let naive = [];
    for (let n = 0; n < 300; n++) {
      const worth = below(3);
      buffer.add(event(n, {}, worth));
      naive.push({ id: `e${n}`, worth });
      if (naive.length > keptEvents) naive = withoutLeast(naive);
      if (below(10) === 0) assert.equal(buffer.counts.waiting, naive.length);
    }

    buffer.counts;
    buffer.connect(ship);
    assert.deepEqual([seed, batches.flat()], [seed, naive.map(({ id }) => id)]);
  }
});

test("in a flood a drop costs little, however many wait, and what is worth most is kept", () => {
  const { buffer, batches, ship } = bufferInTurns({ keptEvents: 4_000 });
  let [looks, added] = [0, 0];
  const watched = (/** @type {number} */ worth) =>
    Object.defineProperty(event(added++), "worth", { get: () => (looks++, worth) });

  for (let n = 0; n < 1_000; n++) buffer.add(watched(CLICK));
  for (let n = 0; n < 20_000; n++) buffer.add(watched(VIEW));

  assert.deepEqual(buffer.counts, { waiting: 4_000, dropped: 17_000 });
  assert.ok(looks < 100 * added, `${looks / added} looks for an event`);
  buffer.connect(ship);
  buffer.send(Infinity);
  assert.deepEqual([batches[0][0], batches[0][999]], ["e0", "e999"]);
  assert.deepEqual([batches[1][0], batches[3][999]], ["e18000", "e20999"]);
});

test("a turn with very many events loses none: full batches do not wait for its end", () => {
  const { buffer, batches, ship, endTurn } = bufferInTurns({ keptEvents: 7, batchEvents: 3 });
  buffer.connect(ship);

  for (const n of [1, 2, 3, 4, 5, 6, 7]) buffer.add(event(n));
  endTurn();

  assert.deepEqual(batches, [["e1", "e2", "e3"], ["e4", "e5", "e6"], ["e7"]]);
  assert.equal(buffer.counts.dropped, 0);
});

test("with many on their way the next ones wait, and follow as those are confirmed", async () => {
  const { buffer, endTurn } = bufferInTurns({ sentEvents: 3, batchEvents: 2 });
  const { sent, ship } = slowWay();
  buffer.connect(ship);

  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) buffer.add(event(n));
  endTurn();
  assert.deepEqual([sent.length, buffer.counts.waiting], [2, 4]);
  sent[1].resolve();
  await nextTurn();
  assert.deepEqual([sent.length, buffer.counts.waiting], [3, 2]);
  sent[0].reject(new Error("refused"));
  await nextTurn();

  assert.deepEqual(
    sent.map(({ ids }) => ids),
    [
      ["e1", "e2"],
      ["e3", "e4"],
      ["e5", "e6"],
      ["e7", "e8"],
    ],
  );
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
});

test("a page that is left sends all, however many are on their way", () => {
  const { buffer } = bufferInTurns({ sentEvents: 2, batchEvents: 2 });
  const { sent, ship } = slowWay();
  buffer.connect(ship);
  for (const n of [1, 2, 3, 4, 5]) buffer.add(event(n));

  buffer.send();
  assert.equal(sent.length, 1);
  buffer.send(Infinity);

  assert.deepEqual(
    sent.map(({ ids }) => ids),
    [["e1", "e2"], ["e3", "e4"], ["e5"]],
  );
});

test("a mark tells when what waited then is on its way, or dropped", async () => {
  const { buffer } = bufferInTurns({ keptEvents: 4, sentEvents: 2, batchEvents: 2 });
  const { sent, ship } = slowWay();
  assert.ok(buffer.mark()());
  buffer.connect(ship);
  for (const n of [1, 2, 3]) buffer.add(event(n, {}, EXPOSURE));

  const isSent = buffer.mark();
  buffer.add(event(4, {}, EXPOSURE));
  const isNextSent = buffer.mark();
  assert.deepEqual([isSent(), isNextSent()], [false, false]);
  for (const n of [5, 6]) buffer.add(event(n, {}, CLICK));
  assert.deepEqual([isSent(), isNextSent()], [true, true]);

  const isLastSent = buffer.mark();
  sent[0].resolve();
  await nextTurn();
  assert.ok(isLastSent());
  assert.deepEqual(sent[1].ids, ["e5", "e6"]);
  buffer.connect(undefined);
  assert.ok(!isLastSent());
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
  const { sent, ship: slow } = slowWay();
  buffer.connect(slow);
  for (const n of [1, 2, 3, 4, 5, 6]) buffer.add(event(n));
  sent[0].resolve();
  await nextTurn();

  buffer.connect(undefined);
  buffer.add(event(7));
  assert.deepEqual(buffer.counts, { waiting: 5, dropped: 0 });
  buffer.connect(ship);
  buffer.send(Infinity);

  assert.deepEqual(batches, [["e3", "e4"], ["e5", "e6"], ["e7"]]);
});

test("a lost connection's answers count no more", async () => {
  const { buffer, batches, ship } = bufferInTurns({ batchEvents: 1 });
  const { sent, ship: slow } = slowWay();
  buffer.connect(slow);
  for (const n of [1, 2]) buffer.add(event(n));

  buffer.connect(undefined);
  sent[0].resolve();
  sent[1].reject(new Error("lost"));
  await nextTurn();
  assert.deepEqual(buffer.counts, { waiting: 2, dropped: 0 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e1"], ["e2"]]);
});

test("what is on its way counts as kept, and is not what makes room", () => {
  const { buffer } = bufferInTurns({ keptEvents: 4, sentEvents: 2, batchEvents: 2 });
  const { sent, ship } = slowWay();
  buffer.connect(ship);

  for (const n of [1, 2]) buffer.add(event(n, {}, EXPOSURE));
  for (const n of [3, 4, 5]) buffer.add(event(n, {}, CLICK));
  assert.deepEqual(sent[0].ids, ["e1", "e2"]);
  assert.deepEqual(buffer.counts, { waiting: 2, dropped: 1 });

  buffer.connect(undefined);
  buffer.add(event(6, {}, CLICK));
  assert.deepEqual(buffer.counts, { waiting: 4, dropped: 2 });
  buffer.connect(ship);
  assert.deepEqual(sent[1].ids, ["e2"]);
  assert.equal(sent[2].ids[0], "e4");
});

test("what a lost worker had is told apart from what none has had yet", async () => {
  const { buffer } = bufferInTurns({ sentEvents: 2, batchEvents: 2 });
  /** @type {[string, boolean][]} */
  const shipped = [];
  const never = (/** @type {string} */ batch, /** @type {boolean} */ isAgain) => {
    shipped.push([
      JSON.parse(batch)
        .map((/** @type {any} */ [id]) => id)
        .join(),
      isAgain,
    ]);
    return new Promise(() => {});
  };
  buffer.connect(never);
  for (const n of [1, 2, 3]) buffer.add(event(n, {}, CLICK));
  buffer.send(Infinity);
  buffer.connect(undefined);
  buffer.add(event(4, {}, CLICK));

  buffer.connect(never);
  buffer.send(Infinity);

  assert.deepEqual(shipped, [
    ["e1,e2", false],
    ["e3", false],
    ["e1,e2", true],
    ["e3", true],
    ["e4", false],
  ]);
});

test("nothing is said to be dropped where all that is too much is on its way", () => {
  /** @type {string[]} */
  const reasons = [];
  const { buffer } = bufferInTurns({
    keptEvents: 16,
    onDrop: (reason) => void reasons.push(reason),
  });
  buffer.connect(() => new Promise(() => {}));
  for (let n = 1; n <= 17; n++) {
    buffer.add(event(n, {}, CLICK));
    buffer.send(Infinity);
  }

  assert.deepEqual([buffer.counts, reasons], [{ waiting: 0, dropped: 0 }, []]);
});

test("one event a turn: a hundred thousand are kept until they are confirmed, and leave in few batches", () => {
  const { buffer, batches, ship } = bufferInTurns();
  buffer.connect(() => new Promise(() => {}));
  for (let n = 0; n < 100_001; n++) {
    buffer.add(event(n));
    buffer.send(Infinity);
  }

  buffer.connect(undefined);
  assert.deepEqual(buffer.counts, { waiting: 100_000, dropped: 1 });
  buffer.connect(ship);
  buffer.send(Infinity);

  assert.equal(batches.length, 100);
  assert.deepEqual([batches[0][0], batches[99][999]], ["e1", "e100000"]);
});

test("large events are bounded by their characters", () => {
  const size = event(1).text.length;
  const { buffer, batches, ship } = bufferInTurns({ keptChars: 3 * size, batchEvents: 1 });
  for (const n of [1, 2, 3, 4]) buffer.add(event(n));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 1 });

  for (const n of [5, 6, 7, 8]) buffer.add(event(n, {}, n === 6 ? EXPOSURE : VIEW));
  assert.deepEqual(buffer.counts, { waiting: 3, dropped: 5 });
  buffer.connect(ship);

  assert.deepEqual(batches, [["e5"], ["e7"], ["e8"]]);
});

test("before any worker 32 Mi characters wait", () => {
  const { buffer } = bufferInTurns();
  const text = "x".repeat(16_000);

  for (let n = 0; n < 2_200; n++) buffer.add(event(n, { text }));

  const { waiting, dropped } = buffer.counts;
  assert.equal(waiting, Math.floor((32 * 2 ** 20) / event(1_000, { text }).text.length));
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

test("whatever happens, what was added is confirmed, kept or counted, and little is on its way", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const below = random(seed);
    const { buffer } = bufferInTurns({ keptEvents: 12, sentEvents: 4, batchEvents: 3 });
    /** @type {ReturnType<typeof slowWay>["sent"]} */
    let sent = [];
    let isConnected = false;
    let [added, confirmed] = [0, 0];
    for (let step = 0; step < 200; step++) {
      const [answered] = below(3) ? [] : sent.splice(below(sent.length || 1), 1);
      if (answered && below(4)) {
        if (isConnected) confirmed += answered.ids.length;
        answered.resolve();
      } else answered?.reject(new Error("refused"));
      await nextTurn();
      if (below(15) === 0) {
        isConnected = below(3) > 0;
        const way = slowWay();
        sent = way.sent;
        buffer.connect(isConnected ? way.ship : undefined);
      }
      for (let n = below(4); n > 0; n--) buffer.add(event(added++, {}, below(3)));
      if (below(2)) buffer.send();
      const onTheirWay = sent.reduce((sum, { ids }) => sum + ids.length, 0);
      assert.ok(onTheirWay < 4 + 3);
    }

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
  await nextTurn();

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 4 });
  assert.deepEqual(told, ["refused: a defect"]);
});

test("once it is closed nothing is kept, and all is counted", () => {
  /** @type {string[]} */
  const reasons = [];
  const buffer = createEventBuffer({ onDrop: (reason) => reasons.push(reason) });
  buffer.add({ text: "[1]", worth: 2 });

  buffer.close("no WebAssembly");
  buffer.add({ text: "[2]", worth: 2 });

  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 2 });
  assert.deepEqual(reasons, ["no WebAssembly"]);
});

test("what is forgotten is never sent again, and its answer counts for nothing", async () => {
  const { buffer, endTurn } = bufferInTurns({ batchEvents: 1, sentEvents: 3 });
  /** @type {string[]} */
  const shipped = [];
  /** @type {((answer: unknown) => void)[]} */
  const answers = [];
  const ship = (/** @type {string} */ batch) => {
    shipped.push(batch);
    return new Promise((resolve) => answers.push(resolve));
  };
  buffer.connect(ship);
  for (const n of [1, 2]) buffer.add(event(n));
  buffer.connect(undefined);
  buffer.add(event(3));
  buffer.connect(ship);
  const before = shipped.length;

  buffer.clear();
  answers[0](undefined);
  await nextTurn();
  buffer.connect(undefined);
  buffer.connect(ship);
  endTurn();

  assert.equal(shipped.length, before);
  assert.deepEqual(buffer.counts, { waiting: 0, dropped: 0 });
  buffer.add(event(4));
  endTurn();
  assert.equal(shipped.length, before + 1);
});

test("who hears of the first loss may track", () => {
  /** @type {ReturnType<typeof createEventBuffer>} */
  const buffer = createEventBuffer({
    keptEvents: 2,
    onDrop: () => buffer.add(event(9, {}, CLICK)),
  });

  for (const n of [1, 2, 3]) buffer.add(event(n));

  assert.deepEqual(buffer.counts, { waiting: 2, dropped: 2 });
});

/** @param {{id: string, worth: number}[]} events */
function withoutLeast(events) {
  const least = Math.min(...events.map(({ worth }) => worth));
  const gone = events.findIndex(({ worth }) => worth === least);
  return events.filter((_, index) => index !== gone);
}
