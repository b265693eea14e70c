/**
 * Requests, replies and notices over one port: a MessagePort, or what stands for one.
 *
 * Every request settles: with a reply, when its timeout passes, or when the port is closed.
 */

import { EdgeError, errorFromPlain } from "./errors.js";

/** @import { Message, Request } from "./protocol.js" */

/**
 * @typedef {object} CallOptions
 * @property {Transferable[]} [transfer]  Buffers that move; the caller's copies become empty.
 * @property {number} [timeoutMs]         None: wait until the port closes.
 */

/**
 * @typedef {object} RpcOptions
 * @property {(port: Port, request: Request) => void} [serve]  Answers requests, as `serving(…)` of `rpc-serving` does; none: the other side asks nothing.
 * @property {(name: string, body: any) => void} [onNotice]
 * @property {(message: Message) => void} [onWord]  Something came, whatever it is.
 */

/**
 * @typedef {object} Port  What is needed of a MessagePort.
 * @property {(message: unknown, transfer?: any) => void} postMessage
 * @property {((event: MessageEvent) => any) | null} onmessage
 * @property {((event: MessageEvent) => any) | null} onmessageerror
 * @property {() => void} close
 */

/** @typedef {ReturnType<typeof createRpc>} Rpc */

/**
 * Take over a port.
 * @param {Port} port
 * @param {RpcOptions} [options]
 */
export function createRpc(port, { serve, onNotice, onWord } = {}) {
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

  /** @param {EdgeError} error */
  function rejectAll(error) {
    for (const id of [...outstanding.keys()]) take(id)?.reject(error);
  }

  /** @param {MessageEvent<Message>} event */
  port.onmessage = ({ data }) => {
    onWord?.(data);
    if (data.kind === "notice") onNotice?.(data.name, data.body);
    else if (data.kind === "request") serve?.(port, data);
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
