/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is shipped, waits here, or is counted in `dropped`.
 */

/** @import { EventRecord } from "./protocol.js" */

const CAPACITY = 10_000;

/** @param {{capacity?: number, defer?: (task: () => void) => void}} [options] */
export function createEventBuffer({ capacity = CAPACITY, defer = queueMicrotask } = {}) {
  /** @type {string[]} */
  let waiting = [];
  let dropped = 0;
  let scheduled = false;
  /** @type {((batch: string) => void) | undefined} */
  let ship;

  function drain() {
    scheduled = false;
    if (!ship || waiting.length === 0) return;
    const batch = `[${waiting.join()}]`;
    waiting = [];
    ship(batch);
  }

  return {
    /** How many events wait, and how many the bound cost. */
    get counts() {
      return { waiting: waiting.length, dropped };
    },

    /**
     * Add one event; the oldest waiting one makes room when the buffer is full.
     * @param {EventRecord} event
     * @throws {TypeError} The event is not JSON-able; nothing was added.
     */
    add(event) {
      waiting.push(JSON.stringify(event));
      if (waiting.length > capacity) {
        waiting.shift();
        dropped += 1;
      }
      if (!ship || scheduled) return;
      scheduled = true;
      defer(drain);
    },

    /**
     * Send what waits and what comes through `target`; undefined holds everything back again.
     * @param {((batch: string) => void) | undefined} target
     */
    connect(target) {
      ship = target;
      drain();
    },

    /** Send what waits now, if there is a way. */
    drain,
  };
}
