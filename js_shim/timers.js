/** Time on the page and in workers; a test passes timers that it moves by hand. */

/**
 * @typedef {object} Timers
 * @property {() => number} nowMs  Never goes back; only differences mean something.
 * @property {(delayMs: number, action: () => void) => () => void} after  Returns a function that forgets the action.
 */

/** @type {Timers} */
export const realTimers = {
  nowMs: () => performance.now(),
  after(delayMs, action) {
    const id = setTimeout(action, delayMs);
    return () => clearTimeout(id);
  },
};

/**
 * Settle as `promise` does, or reject with `late()` when it takes longer than `deadlineMs`.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} deadlineMs
 * @param {() => Error} late
 * @param {Timers} [timers]
 * @returns {Promise<T>}
 */
export function within(promise, deadlineMs, late, timers = realTimers) {
  return new Promise((resolve, reject) => {
    const forget = timers.after(deadlineMs, () => reject(late()));
    promise.then(resolve, reject).finally(forget);
  });
}

/**
 * One wait at a time that can be cut short.
 * @param {Timers} timers
 */
export function createPause(timers) {
  let cut = () => {};
  return {
    /** @param {number} delayMs */
    wait(delayMs) {
      return new Promise((resolve) => {
        const end = () => resolve(undefined);
        const forget = timers.after(delayMs, end);
        cut = () => {
          forget();
          end();
        };
      });
    },

    cut: () => cut(),
  };
}
