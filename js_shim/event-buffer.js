/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is shipped, waits here, or is counted in `dropped`.
 */

/** @import { EventRecord } from "./protocol.js" */

const CAPACITY = 10_000;
const BATCH = 1_000;

/**
 * @typedef {object} EventBufferOptions
 * @property {number} [capacity]  Events that may wait for a way; above it the oldest is dropped.
 * @property {number} [batch]     Where there is a way, as many are shipped without waiting for the turn's end.
 * @property {(task: () => void) => void} [defer]
 * @property {() => void} [onFull]  The first event was dropped.
 */

/** @param {EventBufferOptions} [options] */
export function createEventBuffer(options = {}) {
  const { capacity = CAPACITY, batch = BATCH, defer = queueMicrotask, onFull } = options;
  /** @type {string[]} */
  const waiting = [];
  let dropped = 0;
  let isScheduled = false;
  /** @type {((batch: string) => void) | undefined} */
  let ship;

  function drain() {
    isScheduled = false;
    while (ship && waiting.length > 0) ship(`[${waiting.splice(0, batch).join()}]`);
  }

  function dropOldest() {
    waiting.shift();
    dropped += 1;
    if (dropped === 1) onFull?.();
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
      if (waiting.length > capacity) dropOldest();
      if (!ship) return;
      if (waiting.length >= batch) return drain();
      if (isScheduled) return;
      isScheduled = true;
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
