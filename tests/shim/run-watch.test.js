/** A run holds its worker when its deadline has passed and the worker cannot say a word. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchRuns } from "../../js_shim/run-watch.js";
import { createHandTimers } from "./hand-timers.js";

/** @import { RunWord } from "../../js_shim/protocol.js" */

const LIMITS = { graceMs: 300, lookMs: 100, pingMs: 2_000 };
const LEFT_MS = 700;
/** From a run's beginning to the end of a worker that it holds. */
const REPLACED_MS = LEFT_MS + 2 * LIMITS.graceMs;

/** @param {boolean} [answers] */
function watched(answers = false) {
  const timers = createHandTimers();
  const state = { answers, pings: 0, blocked: /** @type {string[]} */ ([]), timers };
  const runs = watchRuns({
    timers,
    limits: LIMITS,
    ping() {
      state.pings += 1;
      if (state.answers) timers.after(1, () => runs.heard());
    },
    onBlocked: ({ runId }) => state.blocked.push(runId),
  });
  /** @param {string} runId @param {number} [leftMs] */
  const begins = (runId, leftMs = LEFT_MS) => runs.told({ runId, leftMs });
  const ends = (/** @type {string} */ runId) => runs.told({ runId });
  return Object.assign(state, { runs, begins, ends });
}

test("a run that holds the worker is told once, two graces behind its deadline", () => {
  const { timers, begins, blocked } = watched();

  begins("r1");
  timers.pass(REPLACED_MS - 1);
  assert.deepEqual(blocked, []);
  timers.pass(1);
  assert.deepEqual(blocked, ["r1"]);
  timers.pass(100 * REPLACED_MS);

  assert.deepEqual([blocked, timers.waiting], [["r1"], 0]);
});

test("nobody is asked about a run that ends in time, or in its grace", () => {
  const state = watched();

  state.begins("r1");
  state.timers.pass(LEFT_MS + LIMITS.graceMs - 1);
  state.ends("r1");
  state.timers.pass(100 * REPLACED_MS);

  assert.deepEqual([state.pings, state.blocked, state.timers.waiting], [0, [], 0]);
});

test("an end behind the question counts, and what is said later asks nothing", () => {
  const state = watched();

  state.begins("r1");
  state.timers.pass(REPLACED_MS - 1);
  state.ends("r1");
  state.runs.heard();
  state.timers.pass(100 * REPLACED_MS);

  assert.deepEqual([state.pings, state.blocked, state.timers.waiting], [1, [], 0]);
});

test("a run that only waits behind its deadline keeps the worker, until it computes", () => {
  const state = watched(true);

  state.begins("r1");
  state.timers.pass(10 * LIMITS.pingMs);
  assert.deepEqual([state.blocked, state.pings > 5, state.pings <= 10], [[], true, true]);
  state.answers = false;
  state.timers.pass(LIMITS.pingMs + 2 * LIMITS.graceMs);

  assert.deepEqual(state.blocked, ["r1"]);
});

test("of several runs the one whose code began a step last is the cause, and has its own time", () => {
  const { timers, begins, blocked } = watched();

  begins("short");
  begins("long", 3 * LEFT_MS);
  timers.pass(3 * LEFT_MS + 2 * LIMITS.graceMs - 1);
  assert.deepEqual(blocked, []);
  timers.pass(1);

  assert.deepEqual(blocked, ["long"]);
});

test("a run that goes on when another has ended is watched by its own deadline", () => {
  const { timers, begins, ends, blocked } = watched();

  begins("r1", 2 * LEFT_MS);
  begins("r2");
  timers.pass(LEFT_MS);
  ends("r2");
  timers.pass(LEFT_MS + 2 * LIMITS.graceMs - 1);
  assert.deepEqual(blocked, []);
  timers.pass(1);

  assert.deepEqual(blocked, ["r1"]);
});

test("a page that was frozen does not judge by the time it slept", () => {
  const state = watched();

  state.begins("r1");
  state.timers.freeze(100 * REPLACED_MS);
  state.timers.freeze(100 * REPLACED_MS);
  assert.deepEqual([state.pings, state.blocked], [1, []]);
  state.runs.heard();
  state.ends("r1");
  state.timers.pass(100 * REPLACED_MS);

  assert.deepEqual(state.blocked, []);
});

test("a stopped watch leaves no timer", () => {
  const state = watched();

  state.begins("r1");
  state.timers.pass(REPLACED_MS - 1);
  state.runs.stop();
  state.timers.pass(100 * REPLACED_MS);

  assert.deepEqual([state.blocked, state.timers.waiting], [[], 0]);
});
