/**
 * Requests, replies and notices over one port: a MessagePort, or what stands for one.
 *
 * Every request settles: with a reply, when its timeout passes, or when the port is closed.
 */

import { EdgeError, errorFromPlain, toPlainError } from "./errors.js";

/** @import { Message, PlainError, Request } from "./protocol.js" */
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
 * @property {(message: Message) => void} [onWord]  Something came, whatever it is.
 * @property {ErrorCode} [failure]  Code of a handler's foreign error.
 */

/**
 * @typedef {object} Port  What is needed of a MessagePort.
 * @property {(message: unknown, transfer?: any) => void} postMessage
 * @property {((event: MessageEvent) => any) | null} onmessage
 * @property {((event: MessageEvent) => any) | null} onmessageerror
 * @property {() => void} close
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
 * @param {Port} port
 * @param {RpcOptions} [options]
 */
export function createRpc(port, { handlers = {}, onNotice, onWord, failure = "worker-lost" } = {}) {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: unknown) => void, timer?: ReturnType<typeof setTimeout>, params: any}>} */
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
  async function serve(request) {
    const { id } = request;
    try {
      const result = await handle(request);
      const { value, transfer } = isAnswer(result) ? result : { value: result, transfer: [] };
      port.postMessage({ kind: "reply", id, value }, transfer);
    } catch (thrown) {
      refuse(id, toPlainError(thrown, failure));
    }
  }

  /** @param {Request} request */
  function handle({ method, params }) {
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    if (handler) return handler(params);
    const known = Object.keys(handlers).join(", ");
    throw new EdgeError("argument-invalid", `method: expected one of ${known}, got ${method}.`);
  }

  /**
   * @param {number} id
   * @param {PlainError} error
   */
  function refuse(id, error) {
    try {
      port.postMessage({ kind: "reply", id, error });
    } catch {
      // Its details cannot be cloned; without them the caller still gets its answer.
      port.postMessage({ kind: "reply", id, error: { ...error, details: {} } });
    }
  }

  /** @param {EdgeError} error */
  function rejectAll(error) {
    for (const id of [...outstanding.keys()]) take(id)?.reject(error);
  }

  /** @param {MessageEvent<Message>} event */
  port.onmessage = ({ data }) => {
    onWord?.(data);
    if (data.kind === "notice") onNotice?.(data.name, data.body);
    else if (data.kind === "request") serve(data);
    else if (data.error) take(data.id)?.reject(errorFromPlain(data.error));
    else take(data.id)?.resolve(data.value);
  };

  // A message that cannot be read names no request: none may wait for it for ever.
  port.onmessageerror = () =>
    rejectAll(new EdgeError("worker-lost", "message: expected a readable one, got none."));

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
        try {
          port.postMessage({ kind: "request", id, method, params }, transfer);
        } catch (error) {
          const text = `${method}: expected plain data, got ${error}.`;
          return reject(new EdgeError("argument-invalid", text, {}, error));
        }
        const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
        outstanding.set(id, { resolve, reject, timer, params });
      });

      function expire() {
        const text = `${method}: expected a reply within ${timeoutMs} ms, got none.`;
        take(id)?.reject(new EdgeError("worker-lost", text));
      }
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
     * Reject an unanswered `infer` before the rest.
     * @param {number} callId
     * @param {EdgeError} error
     */
    refuse(callId, error) {
      for (const [id, { params }] of outstanding)
        if (params.callId === callId) return take(id)?.reject(error);
    },

    /**
     * Reject everything outstanding with `reason` and let go of the port.
     * @param {EdgeError} reason
     */
    close(reason) {
      closedBy ??= reason;
      rejectAll(closedBy);
      port.onmessage = null;
      port.onmessageerror = null;
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
