/**
 * One page's requests on their way to the writer, wherever that is: in order, and sent again when it changes.
 *
 * Invariant: what may be repeated stays here until it is answered; an `infer` or `erase` that was sent and not answered is
 * rejected when its writer goes, because it may have taken effect. That a runtime has stopped is no answer: the
 * next one gives it. An answered `pause` is told to each next writer first, until this page's or another's word replaces it.
 */

import { EdgeError } from "./errors.js";
import { realTimers } from "./timers.js";

/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} Way  Leads to a writer.
 * @property {(method: string, params: any) => Promise<unknown>} call
 * @property {(callId: number) => void} cancel  End an `infer` by the id its page gave it.
 */

/**
 * @typedef {object} Entry
 * @property {string} method
 * @property {any} params
 * @property {number} askedMs
 * @property {Way} [sentBy]   None: it waits for a way.
 * @property {boolean} [wasSent]  Ever: a writer that was lost may have had it.
 * @property {(value: unknown) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {() => void} forget  Its deadline, while it waits.
 */

/** @typedef {ReturnType<typeof createRelay>} Relay */

const HELD_REQUESTS = 10_000;
/** Sent again they might undo what came meanwhile. */
const ONCE = ["infer", "erase"];
const NO_ANSWERS = ["runtime-stopped", "writer-superseded"];

/**
 * @typedef {object} RelayOptions
 * @property {Timers} [timers]
 * @property {number} [capacity]   Requests that may wait for a way.
 * @property {boolean} [isPaused]  The page's `pause` holds already: a former worker answered it.
 */

/** @param {RelayOptions} [options] */
export function createRelay({ timers = realTimers, capacity = HELD_REQUESTS, ...rest } = {}) {
  let { isPaused = false } = rest;
  /** @type {Set<Entry>} In order of arrival. */
  const entries = new Set();
  /** @type {Way | undefined} */
  let way;

  /** @param {Entry} entry */
  function send(entry) {
    const through = /** @type {Way} */ (way);
    entry.forget();
    if (entry.wasSent && entry.method === "track")
      entry.params = { ...entry.params, isAgain: true };
    entry.wasSent = true;
    entry.sentBy = through;
    through.call(entry.method, paramsOf(entry)).then(
      (value) => entry.sentBy === through && settle(entry, () => answered(entry, value)),
      (error) => entry.sentBy === through && refused(entry, error),
    );
  }

  /** @param {Entry} entry */
  function paramsOf({ method, params, askedMs }) {
    if (method !== "infer" || !params.timeoutMs) return params;
    // Counted from the page's call, wherever it waited.
    return { ...params, timeoutMs: Math.max(1, params.timeoutMs - (timers.nowMs() - askedMs)) };
  }

  /**
   * @param {Entry} entry
   * @param {unknown} value
   */
  function answered({ method, resolve }, value) {
    // Not before: unanswered it is sent again in its place, behind what was asked before it.
    if (method === "pause" || method === "resume") isPaused = method === "pause";
    resolve(value);
  }

  /**
   * @param {Entry} entry
   * @param {unknown} error
   */
  function refused(entry, error) {
    if (!(error instanceof EdgeError && NO_ANSWERS.includes(error.code)))
      return settle(entry, () => entry.reject(error));
    entry.sentBy = undefined;
    if (ONCE.includes(entry.method)) settle(entry, () => entry.reject(writerLost(entry.method)));
  }

  /**
   * @param {Entry} entry
   * @param {() => void} action
   */
  function settle(entry, action) {
    // Answered already: by a deadline, a cancellation, or an earlier writer.
    if (!entries.delete(entry)) return;
    entry.forget();
    action();
  }

  /** @param {Entry} entry */
  function hold(entry) {
    const { method, params } = entry;
    if (entries.size > capacity) return settle(entry, () => entry.reject(tooMany(capacity)));
    if (method !== "infer" || !params.timeoutMs) return;
    const expire = () => settle(entry, () => entry.reject(late(params.timeoutMs)));
    entry.forget = timers.after(params.timeoutMs, expire);
  }

  return {
    /** Requests without an answer yet. */
    get outstanding() {
      return entries.size;
    },

    /**
     * Ask the writer; without a way the request waits for one.
     * @param {string} method
     * @param {any} params
     * @returns {Promise<any>}
     */
    call(method, params) {
      return new Promise((resolve, reject) => {
        const askedMs = timers.nowMs();
        /** @type {Entry} */
        const entry = { method, params, askedMs, resolve, reject, forget() {} };
        entries.add(entry);
        if (way) send(entry);
        else hold(entry);
      });
    },

    /**
     * End an `infer` by the id its page gave it; unknown ids are ignored.
     * @param {number} callId
     */
    cancel(callId) {
      for (const entry of entries) {
        if (entry.method !== "infer" || entry.params.callId !== callId) continue;
        if (entry.sentBy) entry.sentBy.cancel(callId);
        else settle(entry, () => entry.reject(cancelled()));
      }
    },

    /** Another page has paused or resumed the runtime since: this page's pause is not told to the next writer. */
    yieldPause() {
      isPaused = false;
    },

    /**
     * Send what waits, and what came unanswered from the way before, through `next`; undefined: hold everything.
     * An answer that the former way still gives counts until then.
     * @param {Way | undefined} next
     */
    connect(next) {
      way = next;
      // Lost, it is told to the writer after that.
      if (isPaused) next?.call("pause", {}).catch(() => {});
      for (const entry of [...entries]) {
        if (ONCE.includes(entry.method) && entry.sentBy)
          settle(entry, () => entry.reject(writerLost(entry.method)));
        else if (next) send(entry);
      }
    },
  };
}

/** @param {string} method */
function writerLost(method) {
  const text = `${method}: expected an answer of the tab that runs Python, got its end. The call may have taken effect.`;
  return new EdgeError("worker-lost", text);
}

function cancelled() {
  return new EdgeError("run-cancelled", "infer: its signal was aborted before the task started.");
}

/** @param {number} timeoutMs */
function late(timeoutMs) {
  const text = `infer: expected to start within ${timeoutMs} ms, got no tab that runs Python. Try again later.`;
  return new EdgeError("deadline-passed", text, { timeoutMs });
}

/** @param {number} limit */
function tooMany(limit) {
  const text = `requests: expected at most ${limit} to wait for the tab that runs Python, got more. Try again later.`;
  return new EdgeError("queue-full", text, { limit });
}
