/** How often, and after which pause, a lost worker is replaced. */

/**
 * @param {{restarts: number, restartWindowMs: number, backoffMs: number}} limits
 *   At most `restarts` in any `restartWindowMs`; each pause is four times the one before.
 */
export function createRestarts({ restarts, restartWindowMs, backoffMs }) {
  /** @type {number[]} */
  let lostAtMs = [];
  return {
    /**
     * Count a loss and return the pause before the next start; undefined when it was one too many.
     * @param {number} nowMs
     */
    nextDelayMs(nowMs) {
      lostAtMs = lostAtMs.filter((ms) => nowMs - ms < restartWindowMs);
      const recent = lostAtMs.push(nowMs);
      return recent > restarts ? undefined : backoffMs * 4 ** (recent - 1);
    },
  };
}
