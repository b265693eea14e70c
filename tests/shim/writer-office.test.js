/** Who is the writer: one tab at a time, another when it goes, freezes or says so. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { createOffice } from "../../js_shim/writer-office.js";
import { createOrigin } from "./fake-origin.js";

/** @import { Origin } from "./fake-origin.js" */

const { beatMs, silenceMs, bootSilenceMs, answerMs } = OFFICE_LIMITS;
/** From the last beat until a silent writer is replaced: the silence, the look that finds it, and the last chance. */
const REPLACED_MS = silenceMs + beatMs + answerMs + beatMs;

/**
 * A tab that takes part, and what it was told.
 * @param {Origin} origin
 * @param {string} id
 * @param {{version?: number, locks?: any, unixMs?: () => number}} [play]
 */
function candidate(origin, id, play = {}) {
  const tab = origin.tab();
  /** @type {string[]} */
  const told = [];
  /** @type {import("../../js_shim/writer-protocol.js").Beat[]} */
  const beats = [];
  const { version = 2, locks = tab.locks, unixMs = () => 1_000 } = play;
  const { timers, openChannel } = tab;
  const office = createOffice(
    { id, version, locks, openChannel, limits: OFFICE_LIMITS, timers, unixMs },
    {
      onElected: () => told.push("elected"),
      onDeposed: () => told.push("deposed"),
      onBeat: (beat) => beats.push(beat),
      onBye: (writer) => told.push(`bye ${writer}`),
      onHello: ({ client }) => told.push(`hello ${client}`),
      onNewer: (newer) => told.push(`newer ${newer}`),
    },
  );
  office.join();
  return { ...tab, office, told, beats };
}

test("the first tab is elected at once; a second hears who writes", async () => {
  const origin = createOrigin();
  const first = candidate(origin, "one");
  await origin.settle();
  first.office.announceReady();
  const second = candidate(origin, "two");
  await origin.settle();

  assert.deepEqual([first.told, second.told], [["elected"], []]);
  const { writer, state, version } = second.beats[0];
  assert.deepEqual([writer, state, version], ["one", "ready", 2]);
});

test("a writer that lives is left alone, busy with its boot or ready", async () => {
  const origin = createOrigin();
  const first = candidate(origin, "one");
  const second = candidate(origin, "two");
  await origin.pass(60_000);
  first.office.announceReady();
  await origin.pass(60_000);

  assert.deepEqual([first.told, second.told], [["elected"], []]);
  assert.ok(second.beats.length >= 120);
});

test("when the writer's tab is closed, the one that waits longest is elected at once", async () => {
  const origin = createOrigin();
  const [first, second, third] = ["one", "two", "three"].map((id) => candidate(origin, id));
  await origin.settle();

  first.close();
  await origin.settle();

  assert.deepEqual([second.told, third.told], [["elected"], []]);
  assert.equal(third.beats.at(-1)?.writer, "two");
});

test("a ready writer that fell silent is replaced by one tab, and steps down when it wakes up", async () => {
  const origin = createOrigin();
  const [first, second, third] = ["one", "two", "three"].map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  await origin.pass(beatMs);

  first.freeze();
  await origin.pass(silenceMs - beatMs);
  assert.deepEqual([second.told, third.told], [[], []]);
  await origin.pass(REPLACED_MS);
  assert.deepEqual([second.told, third.told], [["elected"], []]);

  await origin.pass(60_000);
  first.thaw();
  await origin.pass(beatMs);
  assert.deepEqual(first.told, ["elected", "deposed"]);
  assert.equal(first.beats.at(-1)?.writer, "two");
  assert.deepEqual([second.told, third.told], [["elected"], []]);
  assert.equal(third.beats.at(-1)?.writer, "two");
});

test("a writer that boots has longer", async () => {
  const origin = createOrigin();
  const [first, second] = ["one", "two"].map((id) => candidate(origin, id));
  await origin.pass(beatMs);

  first.freeze();
  await origin.pass(bootSilenceMs - beatMs);
  assert.deepEqual(second.told, []);
  await origin.pass(REPLACED_MS);
  assert.deepEqual(second.told, ["elected"]);
});

test("the last beats of a former writer, heard late, do not count", async () => {
  const origin = createOrigin();
  const [first, second, third] = ["one", "two", "three"].map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  await origin.pass(beatMs);
  first.freeze();
  await origin.pass(silenceMs + REPLACED_MS);
  assert.deepEqual(second.told, ["elected"]);
  const heard = third.beats.length;

  first.office.announceReady();
  await origin.settle();

  assert.equal(third.beats.length, heard);
});

test("a tab that slept itself asks before it takes over", async () => {
  const origin = createOrigin();
  const [first, second] = ["one", "two"].map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  second.freeze();
  for (let look = 0; look < 100; look++) origin.timers.pass(beatMs);

  second.thaw();
  await origin.pass(60_000);

  assert.deepEqual([first.told, second.told], [["elected"], []]);
});

test("a tab that fell asleep while taking over holds nobody up", async () => {
  const origin = createOrigin();
  const [first, second, third] = ["one", "two", "three"].map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  await origin.pass(beatMs);

  first.freeze();
  await origin.pass(silenceMs);
  while (!origin.locks.held.includes("edge-writer-takeover")) await origin.pass(beatMs);
  second.freeze();
  await origin.pass(REPLACED_MS + OFFICE_LIMITS.courtesyMs);

  assert.deepEqual([second.told, third.told], [[], ["elected"]]);
});

test("the tab that took over has as long as any other, however many were about to", async () => {
  const origin = createOrigin();
  const ids = ["one", "two", "three", "four"];
  const [first, second, ...rest] = ids.map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  await origin.pass(beatMs);
  first.freeze();
  while (second.told.length === 0) await origin.pass(beatMs / 2);

  // Python starts in it, and nothing else runs meanwhile.
  second.freeze();
  await origin.pass(bootSilenceMs - beatMs);
  second.thaw();
  await origin.pass(60_000);

  assert.deepEqual([second.told, ...rest.map(({ told }) => told)], [["elected"], [], []]);
});

test("a tab that slept through its turn leaves the writer alone that came instead", async () => {
  const origin = createOrigin();
  const [first, second, third] = ["one", "two", "three"].map((id) => candidate(origin, id));
  await origin.settle();
  first.office.announceReady();
  await origin.pass(beatMs);

  second.freeze();
  first.close();
  await origin.pass(REPLACED_MS);
  assert.deepEqual(third.told, ["elected"]);
  second.thaw();
  await origin.pass(60_000);
  assert.deepEqual([second.told, third.told], [[], ["elected"]]);

  third.close();
  await origin.settle();
  assert.deepEqual(second.told, ["elected"]);
});

test("a writer that resigns is followed by the next, or by itself", async () => {
  const origin = createOrigin();
  const first = candidate(origin, "one");
  await origin.settle();
  first.office.resign();
  await origin.settle();
  assert.deepEqual(first.told, ["elected", "deposed", "elected"]);

  const second = candidate(origin, "two");
  await origin.settle();
  const before = second.beats.at(-1)?.term ?? 0;
  first.office.resign();
  await origin.settle();
  assert.deepEqual(first.told.slice(3), ["deposed"]);
  assert.deepEqual(second.told, ["bye one", "elected"]);
  assert.ok(Number(first.beats.at(-1)?.term) > before);
});

test("a tab that left holds nothing, hears nothing, and may come back", async () => {
  const origin = createOrigin();
  const [first, second] = ["one", "two"].map((id) => candidate(origin, id));
  await origin.settle();

  second.office.leave();
  first.office.leave();
  await origin.pass(60_000);
  assert.deepEqual([origin.locks.held, second.told], [[], []]);

  second.office.join();
  await origin.settle();
  first.office.join();
  await origin.pass(60_000);
  assert.deepEqual([first.told, second.told], [["elected"], ["elected"]]);
});

test("a hello reaches the writer it is for, in the term it is for", async () => {
  const origin = createOrigin();
  const [first, second] = ["one", "two"].map((id) => candidate(origin, id));
  await origin.settle();
  const { writer, term } = second.beats[0];

  const visit = { client: "two", page: "p", channel: "c", writer, term };
  second.office.sayHello(visit);
  second.office.sayHello({ ...visit, term: term - 1 });
  second.office.sayHello({ ...visit, writer: "three" });
  await origin.settle();

  assert.deepEqual(first.told, ["elected", "hello two"]);
});

test("the higher version takes over, and the lower one is told", async () => {
  const origin = createOrigin();
  const old = candidate(origin, "old", { version: 2 });
  await origin.settle();
  old.office.announceReady();
  const newer = candidate(origin, "new", { version: 3 });
  await origin.pass(REPLACED_MS);

  assert.deepEqual(newer.told, ["elected"]);
  assert.ok(old.told.includes("newer 3"));
});

test("a tab with the clock set back is later than the writer it heard of", async () => {
  const origin = createOrigin();
  const first = candidate(origin, "one", { unixMs: () => 9_000 });
  const second = candidate(origin, "two", { unixMs: () => 5 });
  await origin.settle();
  const before = second.beats[0].term;
  first.close();
  const third = candidate(origin, "three");
  await origin.settle();

  assert.ok(Number(third.beats.at(-1)?.term) > before);
});

test("what other scripts say on the channel is ignored", async () => {
  const origin = createOrigin();
  const [first, second] = ["one", "two"].map((id) => candidate(origin, id));
  const foreign = origin.tab().openChannel("edge-writer");
  for (const said of [null, "text", 7, {}, { kind: "other" }]) foreign.postMessage(said);
  await origin.pass(beatMs);

  assert.deepEqual([first.told, second.told], [["elected"], []]);
});

test("where locks are forbidden a tab writes alone", async () => {
  const origin = createOrigin();
  const request = () => Promise.reject(new DOMException("denied", "SecurityError"));
  const first = candidate(origin, "one", { locks: { request } });
  await origin.pass(60_000);

  assert.deepEqual(first.told, ["elected"]);
});
