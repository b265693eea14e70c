/**
 * What became of the runs that events asked for, told to the page once for each: a writer that died before its events
 * were durable leaves them to the next one, which runs them again under the same run ids.
 */

const REMEMBERED_RUNS = 10_000;
const OUTCOMES = ["result", "error"];

/**
 * @param {(name: string, body: any) => void} deliver  To the page's listeners.
 * @param {number} [remembered]  Run ids; above that the one told longest ago is forgotten.
 */
export function createDelivery(deliver, remembered = REMEMBERED_RUNS) {
  /** @type {Set<string>} In order of delivery. */
  const told = new Set();

  /** @param {string} runId */
  function isRepeat(runId) {
    const isKnown = told.delete(runId);
    told.add(runId);
    if (told.size > remembered) told.delete(/** @type {string} */ (told.values().next().value));
    return isKnown;
  }

  /**
   * @param {string} name
   * @param {any} body
   */
  return (name, body) => {
    if (!OUTCOMES.includes(name) || !isRepeat(body.runId)) deliver(name, body);
  };
}
