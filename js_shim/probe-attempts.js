/** Reading what may be missing, hang, or fail in any way: a value or a reason, in time. */

import { within } from "./timers.js";

/** @import { Timers } from "./timers.js" */

/** @typedef {{reason: string}} Missing */
/** @typedef {{scope: any, timers: Timers, deadlineMs: number}} Asking */

/**
 * @template T
 * @param {Asking} asking
 * @param {T | Promise<T>} answer
 */
export function inTime({ timers, deadlineMs }, answer) {
  const late = () => new Error(`no answer within ${deadlineMs} ms`);
  return within(Promise.resolve(answer), deadlineMs, late, timers);
}

/**
 * @template T
 * @param {() => Promise<T>} read
 * @returns {Promise<T | Missing>}
 */
export async function orReason(read) {
  try {
    return await read();
  } catch (error) {
    const told = attempt(() => String(/** @type {any} */ (error).message || error), "");
    return { reason: told || "it failed without a word" };
  }
}

/**
 * @template T, F
 * @param {() => T} read
 * @param {F} otherwise
 */
export function attempt(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/**
 * Return a figure above 0, and 0 for what is none.
 * @param {unknown} value
 */
export function number(value) {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
