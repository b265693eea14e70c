/** What of the journal is shown. */

/** @import { Line, Run, Seen } from "./journal.js" */

/** @typedef {{task: string, outcome: string, text: string}} Filter  Empty: all. */

/** @type {Filter} */
export const NO_FILTER = Object.freeze({ task: "", outcome: "", text: "" });

/**
 * @param {string} text      What is looked for, whatever its case.
 * @param {string[]} fields
 */
const has = (text, fields) => fields.join(" ").toLowerCase().includes(text.trim().toLowerCase());

/**
 * Newest first.
 * @param {Run[]} runs
 * @param {Filter} filter
 */
export function shownRuns(runs, { task, outcome, text }) {
  const isShown = (/** @type {Run} */ run) =>
    (!task || run.task === task) &&
    (!outcome || run.outcome === outcome) &&
    has(text, [run.task, run.runId, run.error?.code ?? "", run.error?.message ?? "", run.backends]);
  return runs.filter(isShown).reverse();
}

/** @param {Run[]} runs  By the event that asked for them. */
export function runsByEvent(runs) {
  /** @type {Map<string, Run[]>} */
  const byEvent = new Map();
  for (const run of runs) {
    const known = byEvent.get(run.eventId);
    if (known) known.push(run);
    else if (run.eventId) byEvent.set(run.eventId, [run]);
  }
  return byEvent;
}

/**
 * Events with the runs that they asked for, newest first.
 * @param {Seen[]} events
 * @param {Run[]} runs
 * @param {Filter} filter
 */
export function shownEvents(events, runs, { task, outcome, text }) {
  const byEvent = runsByEvent(runs);
  const joined = events.map((event) => ({ event, runs: byEvent.get(event.id) ?? [] }));
  const isShown = (/** @type {(typeof joined)[0]} */ { event, runs }) =>
    (!task || runs.some((run) => run.task === task)) &&
    (!outcome || runs.some((run) => run.outcome === outcome)) &&
    has(text, [event.type, event.where, event.props, ...runs.map((run) => run.task)]);
  return joined.filter(isShown).reverse();
}

/**
 * Newest first. Lines have no outcome: that filter leaves them as they are.
 * @param {Line[]} lines
 * @param {Filter} filter
 */
export function shownLines(lines, { task, text }) {
  const isShown = (/** @type {Line} */ line) =>
    (!task || line.task === task) && has(text, [line.level, line.task, line.runId, line.message]);
  return lines.filter(isShown).reverse();
}

/**
 * Names to choose from.
 * @param {Run[]} runs
 * @param {Record<string, unknown> | undefined} tasks  Those of the statistics.
 */
export function taskNames(runs, tasks) {
  return [...new Set([...Object.keys(tasks ?? {}), ...runs.map((run) => run.task)])].sort();
}
