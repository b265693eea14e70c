/** Tasks whose code holds a worker again and again, until it is replaced. */

/** @param {{strikes: number}} limits  From so many on the next worker runs the task no more for a while. */
export function createStrikes({ strikes }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {string | undefined} Whose code ended the latest worker. */
  let latest;
  return {
    /**
     * Count a loss.
     * @param {string | undefined} taskName  None: no task's code was the reason.
     */
    lost(taskName) {
      latest = taskName;
      if (taskName !== undefined) counts.set(taskName, (counts.get(taskName) ?? 0) + 1);
    },

    /** The tasks that the next worker is to begin without. */
    struck() {
      return latest !== undefined && (counts.get(latest) ?? 0) >= strikes ? [latest] : [];
    },
  };
}
