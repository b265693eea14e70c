/**
 * Requests to one Python core: in through one synchronous call, answered through `reply` with the request's id, so that
 * no promise wraps a Python coroutine (docs/decisions/0003).
 */

import { EdgeError, errorFromPlain } from "./errors.js";
import { join, readBlobs, split } from "./plain.js";
import { answer } from "./rpc-serving.js";

/** @typedef {ReturnType<typeof createCoreCalls>} CoreCalls */
/** @typedef {{dispatch: any, track: any, cancel: any, take_up: any}} CoreMethods  Of `edge_runtime.host.browser.core.Core`. */

export function createCoreCalls() {
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: unknown) => void}>} */
  const waiting = new Map();
  let lastId = 0;
  /** @type {CoreMethods | undefined} */
  let core;

  /**
   * @param {(core: CoreMethods, id: number) => void} ask
   * @returns {Promise<any>}
   */
  function asked(ask) {
    if (!core) return Promise.reject(noRuntime());
    const id = ++lastId;
    const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    try {
      ask(core, id);
    } catch (error) {
      waiting.get(id)?.reject(error);
      waiting.delete(id);
    }
    return answered;
  }

  return {
    /** @param {CoreMethods} methods */
    open(methods) {
      core = methods;
    },

    /** Ask nothing any more; what is unanswered stays so. */
    close() {
      core = undefined;
      waiting.clear();
    },

    /**
     * @param {string} method
     * @param {unknown} params
     * @returns {Promise<any>}
     * @throws {EdgeError} argument-invalid: the parameters are no plain data.
     */
    async call(method, params) {
      // Only a task's data holds Blobs; every other request goes on in this turn.
      const read = method === "infer" ? await readable(method, params) : params;
      const { json, buffers } = detached(method, read);
      return asked((core, id) => core.dispatch(id, method, json, buffers));
    },

    /**
     * @param {string} batch
     * @param {string} client  Whose events these are.
     * @param {boolean} [isAgain]  A worker that was lost had them.
     */
    track: (batch, client, isAgain = false) =>
      asked((core, id) => core.track(id, batch, client, isAgain)),

    /** @param {number} callId  As in the params of an `infer`. */
    cancel: (callId) => core?.cancel(callId),

    /** Go on with the runs that an earlier runtime left. */
    takeUp: () => core?.take_up(),

    /**
     * Python's answer to request `id`.
     * @param {number} id
     * @param {string} json  `{"value": …}` or `{"error": PlainError}`.
     * @param {Uint8Array[]} buffers
     */
    reply(id, json, buffers) {
      const call = waiting.get(id);
      waiting.delete(id);
      const { value, error } = /** @type {any} */ (join(json, buffers));
      if (error) call?.reject(errorFromPlain(error));
      else call?.resolve(answer(value, ownedBy(buffers)));
    },
  };
}

/**
 * @param {string} method
 * @param {unknown} params
 */
async function readable(method, params) {
  try {
    return await readBlobs(params);
  } catch (error) {
    throw notPlain(method, error);
  }
}

/**
 * Split what a page passed in.
 * @param {string} method
 * @param {unknown} params
 * @throws {EdgeError} argument-invalid
 */
export function detached(method, params) {
  try {
    return split(params);
  } catch (error) {
    throw notPlain(method, error);
  }
}

/**
 * The memory behind buffers that Python copied out for us: it can move on to the page.
 * @param {Uint8Array[]} buffers
 * @returns {Transferable[]}
 */
function ownedBy(buffers) {
  return [...new Set(buffers.map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer)))];
}

/**
 * @param {string} method
 * @param {unknown} error
 */
function notPlain(method, error) {
  const text = `${method}: ${error instanceof Error ? error.message : error}. Correct the call.`;
  return new EdgeError("argument-invalid", text, { method }, error);
}

function noRuntime() {
  return new EdgeError("runtime-stopped", "runtime: expected a started one, got one that ended.");
}
