/**
 * Notices a worker that no longer answers.
 *
 * While requests are outstanding the worker is asked for a sign of life; only a question that stays
 * unanswered counts. A page that was itself frozen, throttled or blocked proves nothing by the time it lost.
 */

/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} Watched
 * @property {Timers} timers
 * @property {number} pingMs     Time between two looks.
 * @property {number} silenceMs  A question still open after the looks that fit in it means the worker hangs.
 * @property {() => boolean} isBusy
 * @property {() => void} ping
 * @property {() => void} onSilence  Called once, at the end of the watch.
 */

/** @param {Watched} watched */
export function watch({ timers, pingMs, silenceMs, isBusy, ping, onSilence }) {
  let unanswered = 0;
  let forget = timers.after(pingMs, look);

  // Looks are counted, not time: a page that slept has looked once, and one whose timers are throttled to
  // one a minute still finds out.
  function look() {
    if (!isBusy()) unanswered = 0;
    else if (unanswered * pingMs >= silenceMs) return onSilence();
    else if (++unanswered === 1) ping();
    forget = timers.after(pingMs, look);
  }

  return {
    /** The worker said something. */
    heard() {
      unanswered = 0;
    },

    stop() {
      forget();
    },
  };
}
