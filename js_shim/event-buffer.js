/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is confirmed as durable, kept here to be sent (again), or counted in `dropped`. What had to
 * be given up after it was sent is not counted yet: its worker still makes it durable, unless it refuses it or is lost.
 * A worker ignores ids it knows.
 */

const WAITING_EVENTS = 10_000;
const KEPT_EVENTS = 100_000;
const KEPT_CHARS = 32 * 2 ** 20;
const BATCH_EVENTS = 1_000;
const TOO_MANY = "too many are waiting";
const LOST = "too many were on their way when their worker was lost";

/**
 * @typedef {object} EventBufferOptions
 * @property {number} [waitingEvents]  Not sent yet: above it the oldest of them is dropped.
 * @property {number} [keptEvents]     Not sent or not confirmed: above it the oldest batch is given up.
 * @property {number} [keptChars]      The same in characters of JSON.
 * @property {number} [batchEvents]    Where there is a way, as many are shipped without waiting for the turn's end.
 * @property {(task: () => void) => void} [defer]
 * @property {(reason: string) => void} [onDrop]  The first event was dropped.
 */

/** @typedef {(batch: string) => Promise<unknown>} Ship  Resolves when the batch is durable; rejects when it is refused. */
/** @typedef {{events: string[], count: number, chars: number}} Batch */

/** @param {EventBufferOptions} [options] */
export function createEventBuffer(options = {}) {
  const { waitingEvents = WAITING_EVENTS, keptEvents = KEPT_EVENTS, onDrop } = options;
  const { keptChars = KEPT_CHARS, batchEvents = BATCH_EVENTS, defer = queueMicrotask } = options;
  /** @type {string[]} */
  const waiting = [];
  let waitingChars = 0;
  /** @type {Set<Batch>} In order. Sent, or without a way: they were, and will be again. */
  const unconfirmed = new Set();
  let unconfirmedEvents = 0;
  let unconfirmedChars = 0;
  /** @type {Set<Batch>} Sent, without their events: this worker's answer decides whether they are lost. */
  const givenUp = new Set();
  let dropped = 0;
  let isScheduled = false;
  /** @type {Ship | undefined} */
  let ship;

  function drain() {
    isScheduled = false;
    while (ship && waiting.length > 0) {
      const batch = batchOf(waiting.splice(0, batchEvents));
      waitingChars -= batch.chars;
      remember(batch);
      send(ship, batch);
    }
  }

  /**
   * @param {Ship} through
   * @param {Batch} batch
   */
  function send(through, batch) {
    through(`[${batch.events.join()}]`).then(
      () => settle(batch),
      (error) => settle(batch) && drop(batch.count, `refused: ${error?.message ?? error}`),
    );
  }

  /**
   * @param {Batch} batch
   * @returns {boolean} Whether its answer counts: a former worker's does not.
   */
  function settle(batch) {
    return forget(batch) || givenUp.delete(batch);
  }

  /** @param {Batch} batch */
  function remember(batch) {
    unconfirmed.add(batch);
    unconfirmedEvents += batch.count;
    unconfirmedChars += batch.chars;
  }

  /**
   * @param {Batch} batch
   * @returns {boolean} Whether it was still kept.
   */
  function forget(batch) {
    if (!unconfirmed.delete(batch)) return false;
    unconfirmedEvents -= batch.count;
    unconfirmedChars -= batch.chars;
    return true;
  }

  function isTooMuch() {
    const events = unconfirmedEvents + waiting.length;
    return events > keptEvents || unconfirmedChars + waitingChars > keptChars;
  }

  /** Make room: the oldest goes first. */
  function bound() {
    for (const batch of unconfirmed) {
      if (!isTooMuch()) break;
      giveUp(batch);
    }
    while (waiting.length > waitingEvents || isTooMuch()) {
      waitingChars -= /** @type {string} */ (waiting.shift()).length;
      drop(1, TOO_MANY);
    }
  }

  /** @param {Batch} batch */
  function giveUp(batch) {
    forget(batch);
    batch.events = [];
    if (ship) givenUp.add(batch);
    else drop(batch.count, TOO_MANY);
  }

  /** What the former worker has not confirmed is to be sent again, in as few batches as it takes. */
  function takeBack() {
    const events = [...unconfirmed].flatMap((batch) => batch.events);
    for (const batch of unconfirmed) forget(batch);
    for (let start = 0; start < events.length; start += batchEvents)
      remember(batchOf(events.slice(start, start + batchEvents)));
    const lost = [...givenUp].reduce((sum, { count }) => sum + count, 0);
    givenUp.clear();
    if (lost > 0) drop(lost, LOST);
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
    /** How many events wait to be sent (again), and how many were lost. */
    get counts() {
      return { waiting: waiting.length + (ship ? 0 : unconfirmedEvents), dropped };
    },

    /**
     * Add one event; the oldest makes room when the buffer is full.
     * @param {string} event  JSON text of an `EventRow`.
     */
    add(event) {
      waiting.push(event);
      waitingChars += event.length;
      bound();
      if (!ship) return;
      if (waiting.length >= batchEvents) return drain();
      if (isScheduled) return;
      isScheduled = true;
      defer(drain);
    },

    /**
     * Send what is not confirmed, what waits and what comes through `target`; undefined holds everything back.
     * @param {Ship | undefined} target
     */
    connect(target) {
      ship = target;
      takeBack();
      for (const batch of [...unconfirmed]) {
        // A way may end while it is used.
        if (!target || ship !== target) return;
        send(target, batch);
      }
      drain();
    },

    /** Send what waits now, if there is a way. */
    drain,
  };
}

/**
 * @param {string[]} events
 * @returns {Batch}
 */
function batchOf(events) {
  const chars = events.reduce((sum, { length }) => sum + length, 0);
  return { events, count: events.length, chars };
}
