/**
 * `infer` of the page: waits for the runtime as long as the caller does, then for the answer.
 *
 * What Python would refuse is refused here while that is known: there a refusal costs as much as a short run, and in a
 * flood the worker would do nothing else. A `queue-full` teaches that of calls with the same codes and priority no more
 * find room than are unanswered then. As runs of events and of other tabs come and go in the same queue, one more is
 * let through every few milliseconds; and it is forgotten once all have been answered.
 */

import { copied } from "./arguments.js";
import { patiently } from "./patience.js";

/** @import { InferOptions } from "./arguments.js" */
/** @import { EdgeError } from "./errors.js" */
/** @import { RunResult } from "./protocol.js" */
/** @import { Supervisor } from "./supervisor.js" */

/** So long after a refusal one more call may be unanswered than then, after twice as long two. */
const PROBE_MS = 10;

/**
 * @typedef {object} Line  Calls that wait in one queue.
 * @property {string} name
 * @property {number} open        Unanswered.
 * @property {number} room        As many may be, and some more by the time since
 * @property {number} sinceMs
 * @property {EdgeError} [error]  Python's latest refusal.
 */

/** @param {() => number} [nowMs]  Never goes back. */
export function createInfer(nowMs = () => performance.now()) {
  /** @type {Record<string, Line>} */
  const lines = {};
  let lastCallId = 0;
  let refused = 0;

  /**
   * @param {InferOptions} options
   * @returns {Line}
   */
  function lineOf({ systemCode, businessCode, priority, supersedeKey }) {
    const name = `${systemCode} ${businessCode} ${priority}`;
    const line = (lines[name] ??= { name, open: 0, room: Infinity, sinceMs: 0 });
    const room = line.room + (nowMs() - line.sinceMs) / PROBE_MS;
    // Where a run of its key waits, a call joins that one or takes its place: there is room.
    if (supersedeKey || line.open + 1 <= room) return line;
    refused++;
    throw line.error;
  }

  return {
    /** How many calls never left the page. */
    get refused() {
      return refused;
    },

    /**
     * @param {Supervisor} supervisor
     * @param {InferOptions} options
     * @returns {Promise<RunResult>}
     * @throws {EdgeError} queue-full | run-cancelled | deadline-passed | argument-invalid | what the runtime rejects with
     */
    async call(supervisor, { signal, timeoutMs, extData, ...params }) {
      const line = lineOf(params);
      const askedMs = nowMs();
      const callId = ++lastCallId;
      const cancel = () => supervisor.notify("cancel", { callId });
      line.open++;
      try {
        // A caller may change its data while the runtime boots: what counts is the call's moment.
        const data = supervisor.state === "ready" ? extData : copied("infer.extData", extData);
        await patiently(supervisor.wake(), { signal, timeoutMs });
        const leftMs = timeoutMs && Math.max(1, timeoutMs - (nowMs() - askedMs));
        signal?.addEventListener("abort", cancel, { once: true });
        const request = { ...params, callId, extData: data, timeoutMs: leftMs };
        const result = await supervisor.call("infer", request);
        // Nothing else waits, and there was room.
        if (line.open === 1) line.room = Infinity;
        return result;
      } catch (error) {
        if (/** @type {EdgeError} */ (error).code === "queue-full")
          Object.assign(line, { error, room: line.open - 1, sinceMs: nowMs() });
        throw error;
      } finally {
        line.open--;
        if (line.open === 0 && line.room === Infinity) delete lines[line.name];
        signal?.removeEventListener("abort", cancel);
      }
    },
  };
}
