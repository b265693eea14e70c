/** A worker over a MessageChannel, and the runtime worker's half of the protocol for it to play. */

import { EdgeError } from "../../js_shim/errors.js";
import { PROTOCOL_VERSION } from "../../js_shim/protocol.js";
import { createRpc } from "../../js_shim/rpc.js";

/** @import { TestContext } from "node:test" */
/** @import { Rpc, RpcOptions } from "../../js_shim/rpc.js" */
/** @typedef {{postMessage: (data: unknown) => void, onmessage: ((event: MessageEvent) => void) | null}} Scope */

/** What `new Worker` gives a page, with the script as a function over the worker's scope. */
export class FakeWorker {
  /** @type {((event: MessageEvent) => void) | null} */
  onmessage = null;
  /** @type {((event: ErrorEvent) => void) | null} */
  onerror = null;
  /** @type {(() => void) | null} */
  onmessageerror = null;
  isTerminated = false;
  #ours;
  #theirs;

  /** @param {(scope: Scope) => void} script  Runs in a later turn, as a worker's script does. */
  constructor(script) {
    const { port1, port2 } = new MessageChannel();
    this.#ours = port1;
    this.#theirs = port2;
    /** @type {Scope} */
    const scope = { postMessage: (data) => port2.postMessage(data), onmessage: null };
    port1.onmessage = (event) => this.onmessage?.(event);
    port2.onmessage = (event) => scope.onmessage?.(event);
    setImmediate(() => this.isTerminated || script(scope));
  }

  /**
   * @param {unknown} data
   * @param {Transferable[]} transfer
   */
  postMessage(data, transfer) {
    this.#ours.postMessage(data, transfer);
  }

  terminate() {
    this.isTerminated = true;
    this.#ours.close();
    this.#theirs.close();
  }

  /**
   * @param {string} [message]  None: the file is missing or blocked.
   * @returns {boolean} Whether its creator handled the error, so that it goes no further.
   */
  crash(message) {
    let isHandled = false;
    const preventDefault = () => void (isHandled = true);
    this.onerror?.(/** @type {ErrorEvent} */ ({ message, preventDefault }));
    return isHandled;
  }

  /** For where the platform's type is asked for. */
  get asWorker() {
    return /** @type {Worker} */ (/** @type {unknown} */ (this));
  }
}

/**
 * A script that greets, and hands port and options of `Start` on.
 * @param {(port: MessagePort, options: any) => void} onStart
 * @param {unknown} [version]
 */
export function greeting(onStart, version = PROTOCOL_VERSION) {
  return (/** @type {Scope} */ scope) => {
    scope.onmessage = ({ data }) => onStart(data.port, data.options);
    scope.postMessage({ kind: "hello", version, build: "" });
  };
}

const OVER = new EdgeError("runtime-stopped", "the test is over");

/**
 * A script that greets and then talks as `play` wants; its port is closed after the test.
 * @param {TestContext} t
 * @param {(rpc: Rpc, options: any) => void} play
 * @param {RpcOptions} [rpcOptions]
 */
export function speaking(t, play, rpcOptions = {}) {
  return greeting((port, options) => {
    const rpc = createRpc(port, rpcOptions);
    t.after(() => rpc.close(OVER));
    play(rpc, options);
  });
}
