/**
 * Events on their way to the worker: in order, bounded, one JSON text per turn of the page.
 *
 * Invariant: what was added is confirmed as durable, kept here to be sent (again), or counted in `dropped`. A worker
 * that takes events more slowly than they come gets no more than it soon takes: what it has is out of reach, here the
 * least valuable can make room. A worker ignores ids it knows.
 */

const KEPT_EVENTS = 100_000;
const KEPT_CHARS = 32 * 2 ** 20;
const SENT_EVENTS = 2_000;
const BATCH_EVENTS = 1_000;
// Only so much above a bound it is looked who makes room: one look at all for many events costs each of them little.
const SLACK = 1 / 16;
const MOST_WORTH = 2;

/**
 * @typedef {object} EventBufferOptions
 * @property {number} [keptEvents]   Not confirmed: above it the least valuable of those that wait are dropped.
 * @property {number} [keptChars]    The same in characters of JSON.
 * @property {number} [sentEvents]   Not confirmed either: with so many on their way the next ones wait.
 * @property {number} [batchEvents]  As many are shipped without waiting for the turn's end.
 * @property {(task: () => void) => void} [defer]
 * @property {(reason: string) => void} [onDrop]  The first event was dropped.
 */

/**
 * @typedef {(batch: string, isAgain: boolean) => Promise<unknown>} Ship
 *   Resolves when the batch is durable; rejects when it is refused. `isAgain`: a worker that was lost had it.
 */
/** @typedef {{text: string, worth: number, wasSent?: true}} Event  JSON text of an `EventRow`, and what `worthOf` says. */

/**
 * What an event is worth where not all find room: exposures least, then views and exits, all others most.
 * @param {string} type
 * @param {boolean} pv
 */
export const worthOf = (type, pv) => (type.endsWith(".exposure") ? 0 : pv ? 1 : MOST_WORTH);

/** @param {EventBufferOptions} [options] */
export function createEventBuffer(options = {}) {
  const { keptEvents = KEPT_EVENTS, keptChars = KEPT_CHARS, sentEvents = SENT_EVENTS } = options;
  const { batchEvents = BATCH_EVENTS, defer = queueMicrotask, onDrop } = options;
  /** @type {Event[]} In order. */
  let waiting = [];
  /** @type {Set<Event[]>} Batches on their way, in order. */
  const sent = new Set();
  // Of both.
  let events = 0;
  let chars = 0;
  let dropped = 0;
  let isScheduled = false;
  /** @type {Ship | undefined} */
  let ship;
  /** @type {string | undefined} Why nothing is kept any more. */
  let closedFor;

  /**
   * Send what waits now, if there is a way.
   * @param {number} [limit]  With so many events on their way the others wait on.
   */
  function send(limit = sentEvents) {
    isScheduled = false;
    while (ship && waiting.length > 0 && events - waiting.length < limit)
      sendBatch(ship, waiting.splice(0, batchLength()));
  }

  /** What a lost worker had and what is new are told apart. */
  function batchLength() {
    const { wasSent } = waiting[0];
    const end = waiting.slice(0, batchEvents).findIndex((event) => event.wasSent !== wasSent);
    return end < 0 ? batchEvents : end;
  }

  /**
   * @param {Ship} through
   * @param {Event[]} batch
   */
  function sendBatch(through, batch) {
    sent.add(batch);
    const isAgain = batch[0].wasSent === true;
    through(`[${batch.map(({ text }) => text).join()}]`, isAgain).then(
      () => settle(batch),
      (error) => settle(batch, `refused: ${error?.message ?? error}`),
    );
  }

  /**
   * @param {Event[]} batch
   * @param {string} [refusal]
   */
  function settle(batch, refusal) {
    // A former worker's answer does not count.
    if (!sent.delete(batch)) return;
    batch.forEach(forget);
    if (refusal) drop(batch.length, refusal);
    send();
  }

  /** @param {Event} event */
  function forget({ text }) {
    events--;
    chars -= text.length;
  }

  /**
   * Make room: of those that wait the least valuable go first, of these the oldest.
   * @param {number} slack  Share of the bounds.
   */
  function bound(slack) {
    const isAbove = (/** @type {number} */ share) =>
      events > keptEvents * (1 + share) || chars > keptChars * (1 + share);
    if (!isAbove(slack)) return;
    const before = waiting.length;
    for (let worth = 0; worth <= MOST_WORTH && isAbove(0); worth++)
      waiting = waiting.filter((event) => event.worth > worth || !isAbove(0) || forget(event));
    drop(before - waiting.length, "too many are waiting");
  }

  /**
   * @param {number} count
   * @param {string} reason
   */
  function drop(count, reason) {
    // Only then: who hears of the first one may track.
    if ((dropped += count) === count && count > 0) onDrop?.(reason);
  }

  return {
    /** How many events wait to be sent (again), and how many were lost. */
    get counts() {
      bound(0);
      return { waiting: waiting.length, dropped };
    },

    /**
     * Add one event; when the buffer is full, the oldest of the least valuable makes room.
     * @param {Event} event
     */
    add(event) {
      if (closedFor) return drop(1, closedFor);
      waiting.push(event);
      events++;
      chars += event.text.length;
      bound(SLACK);
      if (!ship) return;
      if (waiting.length >= batchEvents) return send();
      if (isScheduled) return;
      isScheduled = true;
      defer(send);
    },

    /**
     * Send what is not confirmed, what waits and what comes through `target`; undefined holds everything back.
     * @param {Ship | undefined} target
     */
    connect(target) {
      ship = target;
      const taken = [...sent].flat();
      for (const event of taken) event.wasSent = true;
      waiting = taken.concat(waiting);
      sent.clear();
      send();
    },

    send,

    /** The JSON texts of what is not confirmed, in order. */
    unconfirmed: () => [...sent, waiting].flat().map(({ text }) => text),

    /**
     * Keep nothing any more: no worker will ever be there.
     * @param {string} reason
     */
    close(reason) {
      closedFor = reason;
      waiting.forEach(forget);
      drop(waiting.splice(0).length, reason);
    },

    /** Forget all of it: nothing more is sent. */
    clear() {
      waiting = [];
      sent.clear();
      events = chars = 0;
    },

    /** Note what waits now: the returned function says whether all of it is on its way, or further. */
    mark() {
      const last = waiting.at(-1);
      return () => !waiting.includes(/** @type {Event} */ (last));
    },
  };
}
