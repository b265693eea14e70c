/** How runs end, in few words that also choose a colour. */

/** @typedef {"ok" | "fallback" | "failed" | "late" | "refused" | "cancelled"} Outcome */

/** @type {Outcome[]} */
export const OUTCOMES = ["ok", "fallback", "failed", "late", "refused", "cancelled"];

/** @type {Record<string, Outcome>} */
const BY_CODE = {
  "task-timeout": "late",
  "deadline-passed": "late",
  "boot-timeout": "late",
  "run-cancelled": "cancelled",
  "run-superseded": "cancelled",
  "run-ended": "cancelled",
};
/** Refusals are numbered from here. */
const REFUSED = 5000;

/**
 * @param {{fallback?: unknown} | undefined} result
 * @param {{code: string, number: number} | undefined} error
 * @returns {Outcome}
 */
export function outcomeOf(result, error) {
  if (result) return result.fallback ? "fallback" : "ok";
  if (!error) return "failed";
  return BY_CODE[error.code] ?? (error.number >= REFUSED ? "refused" : "failed");
}
