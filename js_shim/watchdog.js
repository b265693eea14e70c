/**
 * Notices a worker that no longer answers.
 *
 * While requests are outstanding the worker is asked for a sign of life; only a question that stays
 * unanswered counts. A page that was itself frozen, throttled or blocked proves nothing and asks anew.
 */

/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} Watched
 * @property {Timers} timers
 * @property {number} pingMs     Time between two looks.
 * @property {number} silenceMs  An unanswered question this old means the worker hangs.
 * @property {() => boolean} isBusy
 * @property {() => void} ping
 * @property {() => void} onSilence  Called once, at the end of the watch.
 */

/** @param {Watched} watched */
export function watch({ timers, pingMs, silenceMs, isBusy, ping, onSilence }) {
  /** @type {number | undefined} */
  let askedMs;
  let lookedMs = timers.nowMs();
  let forget = timers.after(pingMs, look);

  function look() {
    const nowMs = timers.nowMs();
    const slept = nowMs - lookedMs > 2 * pingMs;
    lookedMs = nowMs;
    if (slept || !isBusy()) askedMs = undefined;
    if (askedMs !== undefined && nowMs - askedMs >= silenceMs) return onSilence();
    if (isBusy() && askedMs === undefined) {
      askedMs = nowMs;
      ping();
    }
    forget = timers.after(pingMs, look);
  }

  return {
    /** The worker said something. */
    heard() {
      askedMs = undefined;
    },

    stop() {
      forget();
    },
  };
}
