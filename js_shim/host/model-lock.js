/** One reader of a file at a time, in all tabs of the origin. */

/** @import { Timers } from "../timers.js" */
/** @typedef {Pick<LockManager, "request">} Locks */
/** @typedef {{timers: Timers, patienceMs: number, progress: () => Promise<number>}} Waiting */

/** @param {string} key */
const lockOf = (key) => `edge-model:${key}`;

/**
 * Run `action` while no other tab reads the file. Where there are no locks, or the tab that holds this one made no
 * progress for `patienceMs`, it runs all the same: two that write one file cost no more than time.
 * @template T
 * @param {Locks | null} locks
 * @param {string} key
 * @param {Waiting} waiting
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function alone(locks, key, waiting, action) {
  for (let before = -1, now = 0; locks && now > before;) {
    before = now;
    const answer = await requested(locks, key, waiting, action);
    if (answer) return answer.value;
    now = await waiting.progress();
  }
  return action();
}

/**
 * Run `action` only if nobody reads the file.
 * @param {Locks | null} locks
 * @param {string} key
 * @param {() => Promise<void>} action
 * @returns {Promise<boolean>}  Whether it was run.
 */
export async function ifUnread(locks, key, action) {
  const run = async (/** @type {unknown} */ lock) => {
    if (lock) await action();
    return Boolean(lock);
  };
  return locks ? locks.request(lockOf(key), { ifAvailable: true }, run) : run(true);
}

/**
 * @template T
 * @param {Locks} locks
 * @param {string} key
 * @param {Waiting} waiting
 * @param {() => Promise<T>} action
 * @returns {Promise<{value: T} | undefined>}  Undefined: not granted in time, or never.
 */
async function requested(locks, key, { timers, patienceMs }, action) {
  const waiting = new AbortController();
  const forget = timers.after(patienceMs, () => waiting.abort());
  let isGranted = false;
  try {
    return await locks.request(lockOf(key), { signal: waiting.signal }, async () => {
      isGranted = true;
      forget();
      return { value: await action() };
    });
  } catch (error) {
    forget();
    if (isGranted) throw error;
    return undefined;
  }
}
