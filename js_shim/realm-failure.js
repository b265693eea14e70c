/** Failures of the engine, and which of them end its realm. */

import { EdgeError } from "./errors.js";
import { engineReason } from "./tensors.js";

// The engine's own words for an exhausted heap or an abort; anything may be half done after them.
const FATAL = /bad_alloc|bad allocation|aborted\(|out of memory/i;

/**
 * Whether what the engine threw leaves it in an unknown state. What it refuses in an orderly way is a plain Error;
 * a trap, a heap at its limit, an uncaught C++ exception (a number) and a slip of its glue code amid one are not.
 * @param {unknown} thrown
 */
export function isFatal(thrown) {
  return !(thrown instanceof Error) || thrown.name !== "Error" || FATAL.test(thrown.message);
}

/**
 * @param {string} what    Before the engine's words.
 * @param {unknown} thrown
 * @param {Record<string, unknown>} [details]
 */
export function engineFailure(what, thrown, details = {}) {
  const poisoned = isFatal(thrown) ? { poisoned: true } : {};
  return failed(`${what}: ${engineReason(thrown)}`, { ...poisoned, ...details });
}

/**
 * @param {string} message
 * @param {Record<string, unknown>} [details]
 */
export function failed(message, details = {}) {
  return new EdgeError("inference-failed", message, details);
}
