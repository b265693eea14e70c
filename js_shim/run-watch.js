/**
 * Notices a run that holds the worker. Where tasks run beside the core, the worker says whose code takes its
 * interpreter, for how long, and when it has ended; nothing in it can end code that does not let itself be interrupted.
 *
 * Behind a deadline the worker is asked for a sign of life, which a run that merely waits does not keep it from.
 */

import { watch } from "./watchdog.js";

/** @import { RunWord } from "./protocol.js" */
/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} WatchedRuns
 * @property {Timers} timers
 * @property {{graceMs: number, lookMs: number, pingMs: number}} limits
 * @property {() => void} ping
 * @property {(run: RunWord) => void} onBlocked  Called once, at the end of the watch.
 */

/** @param {WatchedRuns} watched */
export function watchRuns({ timers, limits, ping, onBlocked }) {
  const { graceMs, lookMs, pingMs } = limits;
  /** @type {Map<string, {run: RunWord, dueMs: number}>} By id; the last one's code has taken the interpreter last. */
  const going = new Map();
  let isAsking = false;
  let forget = () => {};

  const latest = () => [...going.values()].at(-1);

  function stop() {
    forget();
    isAsking = false;
  }

  /** @param {number} waitMs */
  function ask(waitMs) {
    stop();
    forget = timers.after(waitMs, () => {
      isAsking = true;
      // Its first look asks.
      forget = watch({
        timers,
        pingMs: lookMs,
        silenceMs: graceMs,
        isBusy: () => true,
        ping,
        onSilence: () => onBlocked(/** @type {any} */ (latest()).run),
      }).stop;
    });
  }

  return {
    /** @param {RunWord} run */
    told(run) {
      going.delete(run.runId);
      if (run.leftMs !== undefined)
        going.set(run.runId, { run, dueMs: timers.nowMs() + run.leftMs + graceMs - lookMs });
      const last = latest();
      stop();
      if (last) ask(Math.max(lookMs, last.dueMs - timers.nowMs()));
    },

    /** The worker said something that code which holds it cannot say. */
    heard() {
      // A run that only waits behind its deadline may begin to compute.
      if (isAsking) ask(pingMs);
    },

    stop,
  };
}
