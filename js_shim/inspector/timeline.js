/** Runs as bars: where each one's time went, and when they were. Shares are percent of the width. */

/** @import { Timings } from "../protocol.js" */
/** @import { Outcome } from "./outcomes.js" */
/** @import { Run } from "./journal.js" */

/** @typedef {{kind: "queued" | "lane" | "infer" | "code", ms: number, x: number, width: number}} Part */
/** @typedef {{key: number, x: number, width: number, outcome: Outcome}} Bar */

const SPANS_MS = [5_000, 15_000, 60_000, 300_000];
/** A run that took no time can still be seen. */
const LEAST_WIDTH = 0.6;

/**
 * The parts of a run, one after the other; those within the code have no order of their own.
 * @param {Timings} timings
 * @param {number} scaleMs  As long as the whole width.
 * @returns {Part[]}
 */
export function partsOf({ queuedMs, runMs, inferMs, laneMs }, scaleMs) {
  const codeMs = Math.max(0, runMs - inferMs - laneMs);
  /** @type {[Part["kind"], number][]} */
  const parts = [
    ["queued", queuedMs],
    ["lane", laneMs],
    ["infer", inferMs],
    ["code", codeMs],
  ];
  let beforeMs = 0;
  const placed = parts.map(([kind, ms]) => {
    const x = (100 * beforeMs) / scaleMs;
    beforeMs += ms;
    return { kind, ms, x, width: (100 * ms) / scaleMs };
  });
  return placed.filter(({ ms }) => ms > 0);
}

/** @param {Run[]} runs  Returns the longest one's duration, at least 1 ms. */
export function scaleOf(runs) {
  return runs.reduce((most, { timings }) => Math.max(most, timings?.totalMs ?? 0), 1);
}

/**
 * The latest stretch of time, one lane for each task, by name.
 * @param {Run[]} runs
 * @param {number} nowMs  Unix time, at the right edge.
 */
export function overviewOf(runs, nowMs) {
  const oldestMs = runs.reduce((least, run) => Math.min(least, run.startMs), nowMs);
  const spanMs = SPANS_MS.find((span) => nowMs - oldestMs <= span) ?? SPANS_MS[3];
  const fromMs = nowMs - spanMs;
  /** @type {Map<string, Bar[]>} */
  const lanes = new Map();
  for (const run of runs) {
    if (run.endMs < fromMs) continue;
    const bars = lanes.get(run.task) ?? [];
    lanes.set(run.task, bars);
    bars.push(barOf(run, fromMs, spanMs));
  }
  const named = [...lanes].map(([task, bars]) => ({ task, bars }));
  return { spanMs, lanes: named.sort((a, b) => (a.task < b.task ? -1 : 1)) };
}

/** @param {Run} run @param {number} fromMs @param {number} spanMs @returns {Bar} */
function barOf({ key, startMs, endMs, outcome }, fromMs, spanMs) {
  const beganMs = Math.max(startMs, fromMs);
  const width = Math.max(LEAST_WIDTH, (100 * (endMs - beganMs)) / spanMs);
  return { key, x: Math.min(100 - width, (100 * (beganMs - fromMs)) / spanMs), width, outcome };
}
