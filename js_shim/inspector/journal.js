/** What the inspector has heard: the latest runs, events and log lines, each in bounded memory. */

import { jsonText } from "./format.js";
import { outcomeOf } from "./outcomes.js";

/** @import { LogRecord, PlainError, RunFailure, RunResult, StatusBody, Timings } from "../protocol.js" */
/** @import { Answer, TrackedEvent } from "../types.js" */
/** @import { Outcome } from "./outcomes.js" */

/**
 * @typedef {object} Run  One that ended.
 * @property {number} key         Of this journal.
 * @property {string} runId       Empty where a call failed before it had one.
 * @property {string} task        Its name, or the business code of a call that failed.
 * @property {string} trigger     `event` or `api`.
 * @property {Outcome} outcome
 * @property {PlainError} [error]
 * @property {Timings} [timings]  Not of runs that failed.
 * @property {number} startMs     Unix time of the request; the end's where nothing tells.
 * @property {number} endMs       Unix time.
 * @property {string} eventId     Of the event that asked for it; else empty.
 * @property {string} waitedFor
 * @property {string} fallback
 * @property {string} backends    Where its models ran.
 */

/** @typedef {{key: number, atMs: number, id: string, type: string, where: string, pv: boolean, props: string}} Seen */
/** @typedef {{key: number, atMs: number, level: string, task: string, runId: string, message: string}} Line */

const LIMITS = { runs: 500, events: 500, lines: 500 };
/** Of one text that is kept. */
const TEXT_CHARS = 2_000;
/** States that tell of a running runtime, whose own state stays what it was. */
const ASIDE = ["store", "role", "model"];

/** @param {Partial<typeof LIMITS>} [limits]  How many of each are kept. */
export function createJournal(limits) {
  const most = { ...LIMITS, ...limits };
  let lastKey = 0;
  /** @type {Map<string, string>} Task names by the codes of calls that were answered. */
  const named = new Map();

  /** @template T @param {T[]} list @param {T} item @param {number} limit */
  function keep(list, item, limit) {
    list.push(item);
    if (list.length > limit) list.splice(0, list.length - limit);
  }

  /** @type {Record<string, (body: any, nowMs: number) => void>} */
  const takers = {
    result: (/** @type {RunResult} */ body, nowMs) => addRun(ofResult(body, nowMs)),
    error: (/** @type {RunFailure} */ body, nowMs) =>
      addRun({ ...ofFailure(body.error, nowMs), ...whose(body.taskName, body.runId, "event") }),
    answer: (/** @type {Answer} */ body, nowMs) => addRun(ofAnswer(body, nowMs)),
    event: (/** @type {TrackedEvent} */ { id, ts, type, pageId, clickId, pv, props }) => {
      const where = clickId === undefined ? pageId : `${pageId} › ${clickId}`;
      const seen = { key: ++lastKey, atMs: ts, id, type, where, pv, props: jsonText(props) };
      keep(journal.events, seen, most.events);
    },
    log: (/** @type {LogRecord} */ { level, message, taskName = "", runId = "" }, nowMs) => {
      const text = String(message).slice(0, TEXT_CHARS);
      const line = { key: ++lastKey, atMs: nowMs, level, task: taskName, runId, message: text };
      keep(journal.lines, line, most.lines);
    },
    status: (/** @type {StatusBody} */ body) => {
      if (body.state === "model") journal.downloads.set(String(body.model), body);
      if (!ASIDE.includes(body.state)) journal.status = body;
      if (body.problems) journal.problems = body.problems;
    },
  };

  /** @param {Omit<Run, "key">} run */
  function addRun(run) {
    keep(journal.runs, { key: ++lastKey, ...run }, most.runs);
  }

  /** @param {Answer} answer @param {number} nowMs @returns {Omit<Run, "key">} */
  function ofAnswer({ systemCode, businessCode, tookMs, result, error }, nowMs) {
    const codes = `${systemCode} ${businessCode}`;
    if (result) {
      named.set(codes, result.taskName);
      return ofResult(result, nowMs);
    }
    const task = named.get(codes) ?? businessCode;
    const failed = ofFailure(/** @type {PlainError} */ (error), nowMs);
    return { ...failed, ...whose(task, "", "api"), startMs: nowMs - tookMs };
  }

  const journal = {
    /** @type {Run[]} */
    runs: [],
    /** @type {Seen[]} */
    events: [],
    /** @type {Line[]} */
    lines: [],
    /** @type {StatusBody | undefined} */
    status: undefined,
    /** @type {PlainError[]} */
    problems: [],
    /** @type {Map<string, StatusBody>} By model. */
    downloads: new Map(),

    /**
     * @param {string} name   Of what `on` listens to.
     * @param {unknown} body
     * @param {number} nowMs  Unix time.
     */
    take: (name, body, nowMs) => takers[name]?.(body, nowMs),

    /** Forget runs, events and lines; the state stays. */
    clear() {
      for (const list of [journal.runs, journal.events, journal.lines]) list.length = 0;
    },
  };
  return journal;
}

/** @typedef {ReturnType<typeof createJournal>} Journal */

/** @param {string} task @param {string} runId @param {string} trigger */
function whose(task, runId, trigger) {
  const eventId = trigger === "event" && runId.startsWith(`${task}-`);
  return { task, runId, trigger, eventId: eventId ? runId.slice(task.length + 1) : "" };
}

/** @param {RunResult} result @param {number} endMs @returns {Omit<Run, "key">} */
function ofResult(result, endMs) {
  const { taskName, runId, trigger, timings, waitedFor, fallback, backend } = result;
  const backends = Object.entries(backend ?? {}).map(
    ([model, { name, device, threads }]) =>
      `${model}: ${[name, device].filter(Boolean).join(" ")} × ${threads}`,
  );
  return {
    ...whose(taskName, runId, trigger),
    ...{ outcome: outcomeOf(result, undefined), timings, endMs },
    startMs: endMs - timings.totalMs,
    waitedFor: waitedFor ?? "",
    fallback: fallback ?? "",
    backends: backends.join(", "),
  };
}

/** @param {PlainError} error @param {number} endMs */
function ofFailure(error, endMs) {
  const { code, number, message } = error;
  const told = { code, number, message: message.slice(0, TEXT_CHARS), details: {} };
  const nothing = { waitedFor: "", fallback: "", backends: "" };
  return { ...nothing, outcome: outcomeOf(undefined, error), error: told, startMs: endMs, endMs };
}
