/** How long a page waits for its worker, how often it replaces one, when a tab takes another's office, what an event holds. */

/**
 * @typedef {object} Limits
 * @property {number} greetingMs
 * @property {number} bootMs           From one word about the boot to the next; longer than any of its steps.
 * @property {number} pingMs
 * @property {number} silenceMs
 * @property {number} graceMs          Behind its deadline a run's code may go on for so long, then as long without a sign of life.
 * @property {number} lookMs           Time between two looks meanwhile.
 * @property {number} restarts         In any `restartWindowMs`.
 * @property {number} restartWindowMs
 * @property {number} backoffMs        Before the first restart.
 * @property {number} strikes          Workers that one task may hold until they are replaced, before its breaker opens.
 */

/** @type {Readonly<Limits>} */
export const LIMITS = /* @__PURE__ */ Object.freeze({
  greetingMs: 15_000,
  bootMs: 180_000,
  pingMs: 2_000,
  silenceMs: 10_000,
  graceMs: 300,
  lookMs: 100,
  restarts: 3,
  restartWindowMs: 60_000,
  backoffMs: 500,
  strikes: 3,
});

/**
 * @typedef {object} OfficeLimits  Between the workers of one origin.
 * @property {number} beatMs         Between two signs of life of the writer, and between two looks of a follower.
 * @property {number} silenceMs      A ready writer that said nothing for so long is replaced;
 * @property {number} bootSilenceMs  one that boots has longer.
 * @property {number} answerMs       The last chance: how long a silent writer may take to answer.
 * @property {number} courtesyMs     How long a tab waits for another one that is about to take over.
 * @property {number} lingerMs       What a tab posted just before its end is taken for so long.
 * @property {number} heldMs         How long an outcome waits for the page whose run it was, which has no worker at that moment.
 * @property {number} coreMs         How long a runtime may take to get at the store before the next tab tries.
 * @property {number} stopMs         How long a former runtime may take to stop before the next one boots.
 */

// Pure: the page's bundle leaves them out.
/** @type {Readonly<OfficeLimits>} */
export const OFFICE_LIMITS = /* @__PURE__ */ Object.freeze({
  beatMs: 1_000,
  silenceMs: 5_000,
  bootSilenceMs: 15_000,
  answerMs: 1_000,
  courtesyMs: 5_000,
  lingerMs: 2_000,
  heldMs: 3_000,
  coreMs: 45_000,
  stopMs: 5_000,
});

/**
 * The core's limits of an event, checked on the page first: an event too deep for the core's parsers would cost it the
 * whole batch. `tests/vectors/event-limits.json` keeps both sides equal.
 */
export const EVENT_LIMITS = /* @__PURE__ */ Object.freeze({
  textChars: 256,
  propsBytes: 16_384,
  propsLevels: 16,
});
