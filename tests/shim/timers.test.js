/** Deadlines: a promise settles as it does, or late. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { realTimers, within } from "../../js_shim/timers.js";
import { createHandTimers } from "./hand-timers.js";

const late = () => new Error("late");

test("what settles in time settles so, and leaves no timer", async () => {
  const timers = createHandTimers();
  const failure = new Error("its own");

  assert.equal(await within(Promise.resolve(7), 10, late, timers), 7);
  await assert.rejects(within(Promise.reject(failure), 10, late, timers), failure);

  assert.equal(timers.waiting, 0);
});

test("what takes longer is late; what it becomes then is nobody's", async () => {
  const timers = createHandTimers();
  /** @type {(error: Error) => void} */
  let refuse = () => {};
  const slow = within(new Promise((_, reject) => (refuse = reject)), 10, late, timers);

  timers.pass(10);
  await assert.rejects(slow, /late/);

  refuse(new Error("too late to matter"));
});

test("real timers fire, unless they are forgotten", async () => {
  /** @type {string[]} */
  const fired = [];

  await new Promise((resolve) => {
    const forget = realTimers.after(0, () => fired.push("forgotten"));
    realTimers.after(1, () => resolve(fired.push("kept")));
    forget();
  });

  assert.deepEqual(fired, ["kept"]);
});
