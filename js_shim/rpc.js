/**
 * Requests, replies and notices over one MessagePort.
 *
 * Every request settles: with a reply, when its timeout passes, or when the port is closed.
 */

import { EdgeError, errorFromPlain, toPlainError } from "./errors.js";

/** @import { Message, Request } from "./protocol.js" */
/** @import { ErrorCode } from "./errors.js" */

/**
 * @typedef {object} Answer  A handler's value together with the buffers to transfer.
 * @property {unknown} value
 * @property {Transferable[]} transfer
 */

/**
 * @typedef {object} CallOptions
 * @property {Transferable[]} [transfer]  Buffers that move; the caller's copies become empty.
 * @property {number} [timeoutMs]         None: wait until the port closes.
 */

/**
 * @typedef {object} RpcOptions
 * @property {Record<string, (params: any) => unknown>} [handlers]  By method; may return a promise or `answer(…)`.
 * @property {(name: string, body: any) => void} [onNotice]
 * @property {ErrorCode} [failure]  Code of a handler's foreign error.
 */

/** @typedef {ReturnType<typeof createRpc>} Rpc */

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
 * Take over a port.
 * @param {MessagePort} port
 * @param {RpcOptions} [options]
 */
export function createRpc(port, { handlers = {}, onNotice, failure = "worker-lost" } = {}) {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: unknown) => void, timer?: ReturnType<typeof setTimeout>}>} */
  const outstanding = new Map();
  let lastId = 0;
  /** @type {EdgeError | undefined} */
  let closedBy;

  /** @param {number} id */
  function take(id) {
    const call = outstanding.get(id);
    outstanding.delete(id);
    clearTimeout(call?.timer);
    return call;
  }

  /** @param {Request} request */
  async function serve({ id, method, params }) {
    try {
      const handler = handlers[method];
      if (!handler)
        throw new EdgeError(
          "argument-invalid",
          `method: expected one of ${Object.keys(handlers)}, got ${method}.`,
        );
      const result = await handler(params);
      const { value, transfer } = isAnswer(result) ? result : { value: result, transfer: [] };
      port.postMessage({ kind: "reply", id, value }, transfer);
    } catch (thrown) {
      port.postMessage({ kind: "reply", id, error: toPlainError(thrown, failure) });
    }
  }

  /** @param {MessageEvent<Message>} event */
  port.onmessage = ({ data }) => {
    if (data.kind === "notice") onNotice?.(data.name, data.body);
    else if (data.kind === "request") serve(data);
    else if (data.error) take(data.id)?.reject(errorFromPlain(data.error));
    else take(data.id)?.resolve(data.value);
  };

  return {
    /** Requests without a reply yet. */
    get outstanding() {
      return outstanding.size;
    },

    /**
     * Send a request.
     * @param {string} method
     * @param {unknown} params
     * @param {CallOptions} [options]
     * @returns {Promise<any>}
     */
    call(method, params, { transfer = [], timeoutMs } = {}) {
      if (closedBy) return Promise.reject(closedBy);
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        port.postMessage({ kind: "request", id, method, params }, transfer);
        const expire = () =>
          take(id)?.reject(
            new EdgeError(
              "worker-lost",
              `${method}: expected a reply within ${timeoutMs} ms, got none.`,
            ),
          );
        const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
        outstanding.set(id, { resolve, reject, timer });
      });
    },

    /**
     * Send a notice; nobody answers.
     * @param {string} name
     * @param {unknown} body
     */
    notify(name, body) {
      if (!closedBy) port.postMessage({ kind: "notice", name, body });
    },

    /**
     * Reject everything outstanding with `reason` and let go of the port.
     * @param {EdgeError} reason
     */
    close(reason) {
      closedBy ??= reason;
      for (const id of [...outstanding.keys()]) take(id)?.reject(closedBy);
      port.onmessage = null;
      port.close();
    },
  };
}

/**
 * @param {unknown} result
 * @returns {result is Answer}
 */
function isAnswer(result) {
  return typeof result === "object" && result !== null && ANSWERS.has(result);
}
