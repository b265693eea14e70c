/** Failures of the engine, and which of them end its realm. */

import { EdgeError } from "./errors.js";
import { engineReason } from "./tensors.js";

// The engine's own words for an exhausted heap or an abort of its runtime; anything may be half done after them.
const FATAL = /bad_alloc|bad allocation|aborted\(|out of memory|memory access out of bounds/i;

/**
 * Whether what the engine threw leaves it in an unknown state: a trap, an abort, an exhausted heap. An uncaught C++
 * exception arrives as a number.
 * @param {unknown} thrown
 */
export function isFatal(thrown) {
  return (
    thrown instanceof WebAssembly.RuntimeError ||
    thrown instanceof RangeError ||
    typeof thrown === "number" ||
    FATAL.test(wordsOf(thrown))
  );
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

/** @param {unknown} thrown */
function wordsOf(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
