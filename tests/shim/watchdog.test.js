/** A worker hangs when a question stays unanswered, not when time passed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../../js_shim/watchdog.js";
import { createHandTimers } from "./hand-timers.js";

const PING_MS = 2;
const SILENCE_MS = 10;

function watched() {
  const timers = createHandTimers();
  const state = { isBusy: true, answers: false, pings: 0, silences: 0, timers };
  const dog = watch({
    timers,
    pingMs: PING_MS,
    silenceMs: SILENCE_MS,
    isBusy: () => state.isBusy,
    ping() {
      state.pings += 1;
      if (state.answers) dog.heard();
    },
    onSilence: () => (state.silences += 1),
  });
  return Object.assign(state, { dog });
}

test("a busy worker that says nothing is given up once", () => {
  const state = watched();

  state.timers.pass(PING_MS + SILENCE_MS - 1);
  assert.equal(state.silences, 0);
  state.timers.pass(PING_MS);
  state.timers.pass(100 * SILENCE_MS);

  assert.equal(state.silences, 1);
  assert.equal(state.timers.waiting, 0);
});

test("an idle worker is not even asked", () => {
  const state = watched();
  state.isBusy = false;

  state.timers.pass(100 * SILENCE_MS);

  assert.deepEqual([state.pings, state.silences], [0, 0]);
});

test("one that answers is asked again and again and kept", () => {
  const state = watched();
  state.answers = true;

  state.timers.pass(100 * SILENCE_MS);

  assert.equal(state.silences, 0);
  assert.equal(state.pings, (100 * SILENCE_MS) / PING_MS);
});

test("any word starts the silence anew", () => {
  const state = watched();

  for (let n = 0; n < 20; n += 1) {
    state.timers.pass(SILENCE_MS - PING_MS);
    state.dog.heard();
  }
  assert.equal(state.silences, 0);
  state.timers.pass(SILENCE_MS + 2 * PING_MS);

  assert.equal(state.silences, 1);
});

test("work that ends without a word clears the worker", () => {
  const state = watched();

  state.timers.pass(SILENCE_MS - PING_MS);
  state.isBusy = false;
  state.timers.pass(PING_MS);
  state.isBusy = true;
  state.timers.pass(SILENCE_MS);

  assert.equal(state.silences, 0);
});

test("a page that was frozen does not judge by the time it slept", () => {
  const state = watched();
  state.timers.pass(PING_MS);
  assert.equal(state.pings, 1);

  state.timers.freeze(100 * SILENCE_MS);
  state.timers.freeze(100 * SILENCE_MS);
  assert.equal(state.silences, 0);
  state.timers.pass(SILENCE_MS + 2 * PING_MS);

  assert.equal(state.silences, 1);
});

test("a hung worker is found in a background page, where timers come once a minute", () => {
  const state = watched();

  for (let minute = 0; minute < 20 && state.silences === 0; minute += 1) {
    state.timers.freeze(6 * SILENCE_MS);
  }

  assert.equal(state.silences, 1);
});

test("a stopped watch leaves no timer", () => {
  const state = watched();

  state.dog.stop();
  state.timers.pass(100 * SILENCE_MS);

  assert.deepEqual([state.pings, state.silences, state.timers.waiting], [0, 0, 0]);
});
