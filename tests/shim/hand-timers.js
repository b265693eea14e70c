/** Timers that a test moves by hand. */

/** @import { Timers } from "../../js_shim/timers.js" */

/** @returns {Timers & {pass: (ms: number) => void, freeze: (ms: number) => void, readonly waiting: number}} */
export function createHandTimers() {
  let nowMs = 0;
  /** @type {{dueMs: number, action: () => void}[]} */
  let pending = [];

  /** @param {number} untilMs */
  function nextDue(untilMs) {
    const due = pending.filter(({ dueMs }) => dueMs <= untilMs);
    return due.reduce((a, b) => (b.dueMs < a.dueMs ? b : a), due[0]);
  }

  return {
    nowMs: () => nowMs,

    after(delayMs, action) {
      const timer = { dueMs: nowMs + delayMs, action };
      pending.push(timer);
      return () => void (pending = pending.filter((other) => other !== timer));
    },

    /** Let time pass; what falls due meanwhile happens at its moment. */
    pass(ms) {
      const untilMs = nowMs + ms;
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        pending = pending.filter((other) => other !== due);
        nowMs = Math.max(nowMs, due.dueMs);
        due.action();
      }
      nowMs = untilMs;
    },

    /** Time passes while nothing runs, as in a frozen page: what fell due happens at the end. */
    freeze(ms) {
      nowMs += ms;
      this.pass(0);
    },

    /** How many actions wait for their moment. */
    get waiting() {
      return pending.length;
    },
  };
}
