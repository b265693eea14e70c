/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is confirmed as durable, kept here to be sent again, or counted in `dropped`. The one
 * exception: of what was sent and not confirmed yet only the latest `capacity` events are kept; those before them
 * were delivered to a live worker, which makes them durable unless it dies first. A worker ignores ids it knows.
 */

/** @import { EventRow } from "./protocol.js" */

const CAPACITY = 10_000;
const BATCH = 1_000;

/**
 * @typedef {object} EventBufferOptions
 * @property {number} [capacity]  Events that may wait for a way, above it the oldest is dropped; and events kept unconfirmed.
 * @property {number} [batch]     Where there is a way, as many are shipped without waiting for the turn's end.
 * @property {(task: () => void) => void} [defer]
 * @property {(reason: string) => void} [onDrop]  The first event was dropped.
 */

/** @typedef {(batch: string) => Promise<unknown>} Ship  Resolves when the batch is durable; rejects when it is refused. */

/** @param {EventBufferOptions} [options] */
export function createEventBuffer(options = {}) {
  const { capacity = CAPACITY, batch = BATCH, defer = queueMicrotask, onDrop } = options;
  /** @type {string[]} */
  let waiting = [];
  /** @type {Set<string[]>} Batches sent and not confirmed, in order. */
  const unconfirmed = new Set();
  let unconfirmedEvents = 0;
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
    remember(events);
    through(`[${events.join()}]`).then(
      () => forget(events),
      (error) => forget(events) && drop(events.length, `refused: ${error?.message ?? error}`),
    );
  }

  /** @param {string[]} events */
  function remember(events) {
    unconfirmed.add(events);
    unconfirmedEvents += events.length;
    for (const oldest of unconfirmed) {
      if (unconfirmedEvents <= capacity) return;
      forget(oldest);
    }
  }

  /**
   * @param {string[]} events
   * @returns {boolean} Whether it was still kept.
   */
  function forget(events) {
    const isKept = unconfirmed.delete(events);
    if (isKept) unconfirmedEvents -= events.length;
    return isKept;
  }

  function takeBack() {
    waiting = [...unconfirmed, waiting].flat();
    unconfirmed.clear();
    unconfirmedEvents = 0;
    dropOldest();
  }

  function dropOldest() {
    const excess = waiting.length - capacity;
    if (excess <= 0) return;
    waiting.splice(0, excess);
    drop(excess, "too many are waiting");
  }

  /**
   * @param {number} events
   * @param {string} reason
   */
  function drop(events, reason) {
    if (dropped === 0) onDrop?.(reason);
    dropped += events;
  }

  return {
    /** How many events wait, and how many were lost. */
    get counts() {
      return { waiting: waiting.length, dropped };
    },

    /**
     * Add one event; the oldest waiting one makes room when the buffer is full.
     * @param {EventRow} event
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
