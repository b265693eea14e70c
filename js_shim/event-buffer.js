/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is confirmed by a worker, kept here for the next one, or counted in `dropped`.
 * What a lost worker did not confirm is sent again: a worker ignores ids it knows.
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

/** @typedef {(batch: string) => Promise<unknown>} Ship  Settles when the worker has taken the batch. */

/** @param {EventBufferOptions} [options] */
export function createEventBuffer(options = {}) {
  const { capacity = CAPACITY, batch = BATCH, defer = queueMicrotask, onFull } = options;
  /** @type {string[]} */
  let waiting = [];
  /** @type {Set<string[]>} Batches on their way, in order. */
  const unconfirmed = new Set();
  let dropped = 0;
  let isScheduled = false;
  /** @type {Ship | undefined} */
  let ship;

  function drain() {
    isScheduled = false;
    while (ship && waiting.length > 0) send(ship, waiting.splice(0, batch));
  }

  /**
   * @param {Ship} through
   * @param {string[]} events
   */
  function send(through, events) {
    unconfirmed.add(events);
    const forget = () => void unconfirmed.delete(events);
    through(`[${events.join()}]`).then(forget, forget);
  }

  function takeBack() {
    waiting = [...unconfirmed, waiting].flat();
    unconfirmed.clear();
    dropOldest();
  }

  function dropOldest() {
    const excess = waiting.length - capacity;
    if (excess <= 0) return;
    waiting.splice(0, excess);
    if (dropped === 0) onFull?.();
    dropped += excess;
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
      dropOldest();
      if (!ship) return;
      if (waiting.length >= batch) return drain();
      if (isScheduled) return;
      isScheduled = true;
      defer(drain);
    },

    /**
     * Send what waits and what comes through `target`; undefined holds everything back again,
     * unconfirmed batches included.
     * @param {Ship | undefined} target
     */
    connect(target) {
      ship = target;
      takeBack();
      drain();
    },

    /** Send what waits now, if there is a way. */
    drain,
  };
}
