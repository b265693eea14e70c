/** How long a page waits for its worker, and how often it replaces one. */

/**
 * @typedef {object} Limits
 * @property {number} greetingMs
 * @property {number} bootMs
 * @property {number} pingMs
 * @property {number} silenceMs
 * @property {number} restarts         In any `restartWindowMs`.
 * @property {number} restartWindowMs
 * @property {number} backoffMs        Before the first restart.
 */

/** @type {Readonly<Limits>} */
export const LIMITS = Object.freeze({
  greetingMs: 15_000,
  bootMs: 180_000,
  pingMs: 2_000,
  silenceMs: 10_000,
  restarts: 3,
  restartWindowMs: 60_000,
  backoffMs: 500,
});
