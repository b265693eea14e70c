/** Runs steps that may fail in any way or never end: each gets a row in time. */

import { realTimers, within } from "../../../js_shim/timers.js";

/** @import { Timers } from "../../../js_shim/timers.js" */

/** @typedef {"yes" | "no" | "note" | "wait"} Mark  A `note` is neither good nor bad; `wait`: not known yet. */
/** @typedef {{mark: Mark, value: string, short?: string}} Finding  `short`: for the QR code. */

/**
 * @typedef {object} Step
 * @property {string} code          Of the row, in the QR code, too.
 * @property {string} name
 * @property {number} deadlineMs
 * @property {(progress: (text: string) => void) => Promise<Finding> | Finding} run
 * @property {string} [needs]       The code of a step without which this one is not tried.
 */

/** @typedef {Finding & {code: string, name: string}} Row */

/**
 * Run steps one after the other. Never rejects, and ends when all deadlines are over at the latest.
 * @param {Step[]} steps
 * @param {(row: Row) => void} told  Of each row, again whenever it changes.
 * @param {Timers} [timers]
 * @returns {Promise<Row[]>}
 */
export async function runInTurn(steps, told, timers = realTimers) {
  /** @type {Row[]} */
  const rows = [];
  for (const step of steps) {
    const isMissing = rows.some(({ code, mark }) => code === step.needs && mark === "no");
    if (isMissing) rows.push(rowOf(step, notTried(step, rows)));
    else rows.push(await runStep(step, told, timers));
    told(rows[rows.length - 1]);
  }
  return rows;
}

/**
 * Run steps at once; the rows come in their order.
 * @param {Step[]} steps
 * @param {(row: Row) => void} told
 * @param {Timers} [timers]
 * @returns {Promise<Row[]>}
 */
export function runAtOnce(steps, told, timers = realTimers) {
  const running = steps.map(async (step) => {
    const row = await runStep(step, told, timers);
    told(row);
    return row;
  });
  return Promise.all(running);
}

/** @param {Step} step @param {(row: Row) => void} told @param {Timers} timers */
async function runStep(step, told, timers) {
  let isOver = false;
  const progress = (/** @type {string} */ value) => {
    if (!isOver) told(rowOf(step, { mark: "wait", value }));
  };
  const late = () => new Error(`no answer within ${step.deadlineMs / 1000} s`);
  progress("…");
  try {
    const found = Promise.resolve(progress).then(step.run);
    return rowOf(step, await within(found, step.deadlineMs, late, timers));
  } catch (error) {
    return rowOf(step, { mark: "no", value: reasonOf(error) });
  } finally {
    isOver = true;
  }
}

/** @param {Step} step @param {Finding} finding @returns {Row} */
const rowOf = ({ code, name }, finding) => ({ code, name, ...finding });

/** @param {Step} step @param {Row[]} rows @returns {Finding} */
function notTried({ needs }, rows) {
  const missing = rows.find(({ code }) => code === needs);
  return { mark: "no", value: `not tried without: ${missing?.name.toLowerCase()}` };
}

/** @param {unknown} error */
export function reasonOf(error) {
  const { code, message } = /** @type {{code?: string, message?: string}} */ (error ?? {});
  return [code, message || String(error)].filter(Boolean).join(": ");
}
