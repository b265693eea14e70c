/** The side of a port that is asked: requests by method, answered by handlers. A page asks alone and loads none of it. */

import { EdgeError, toPlainError } from "./errors.js";

/** @import { ErrorCode } from "./errors.js" */
/** @import { PlainError, Request } from "./protocol.js" */
/** @import { Port } from "./rpc.js" */

/** @typedef {Record<string, (params: any) => unknown>} Handlers  By method; may return a promise or `answer(…)`. */

/**
 * @typedef {object} Answer  A handler's value together with the buffers to transfer.
 * @property {unknown} value
 * @property {Transferable[]} transfer
 */

const ANSWERS = new WeakSet();

/**
 * Reply with `value` and move `transfer` with it.
 * @param {unknown} value
 * @param {Transferable[]} transfer
 * @returns {Answer}
 */
export function answer(value, transfer) {
  const wrapped = { value, transfer };
  ANSWERS.add(wrapped);
  return wrapped;
}

/**
 * What `createRpc` takes as `serve`.
 * @param {Handlers} handlers
 * @param {ErrorCode} [failure]  Code of a handler's foreign error.
 */
export function serving(handlers, failure = "worker-lost") {
  /** @param {Port} port @param {Request} request */
  return async (port, { id, method, params }) => {
    try {
      const result = await handlerOf(handlers, method)(params);
      const { value, transfer } = isAnswer(result) ? result : { value: result, transfer: [] };
      port.postMessage({ kind: "reply", id, value }, transfer);
    } catch (thrown) {
      refuse(port, id, toPlainError(thrown, failure));
    }
  };
}

/** @param {Handlers} handlers @param {string} method */
function handlerOf(handlers, method) {
  if (Object.hasOwn(handlers, method)) return handlers[method];
  const known = Object.keys(handlers).join(", ");
  throw new EdgeError("argument-invalid", `method: expected one of ${known}, got ${method}.`);
}

/** @param {Port} port @param {number} id @param {PlainError} error */
function refuse(port, id, error) {
  try {
    port.postMessage({ kind: "reply", id, error });
  } catch {
    // Its details cannot be cloned; without them the caller still gets its answer.
    port.postMessage({ kind: "reply", id, error: { ...error, details: {} } });
  }
}

/** @param {unknown} result @returns {result is Answer} */
function isAnswer(result) {
  return typeof result === "object" && result !== null && ANSWERS.has(result);
}
