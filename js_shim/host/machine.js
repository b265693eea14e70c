/** One VM as its owner sees it: ready, told, heard, ended. */

import { EdgeError, errorFromPlain } from "../errors.js";
import { handshake } from "../handshake.js";
import { ownBuffer } from "../tensors.js";
import { within } from "../timers.js";

/** @import { FromMachine, Parcel } from "../machine-protocol.js" */

const GREETING_MS = 15_000;
// The steps of its boot have deadlines of their own; this is for a worker that says nothing at all.
const READY_MS = 150_000;
// What the core takes comes near neither; all that it is sent it has to read, which holds it up.
const JSON_CHARS = 16 * 1024 * 1024;
const BUFFERS = 10_000;

export class Machine {
  /** @type {Promise<void>} Rejects when it does not start, or ends before; then `ended` is not told. */
  ready;
  #worker;
  #handlers;
  #isReady = false;
  #isOver = false;
  /** @type {MessagePort | undefined} */
  #port;
  /** @type {() => void} */
  #onReady = () => {};
  /** @type {(error: EdgeError) => void} */
  #onFailure = () => {};

  /**
   * @param {Worker} worker
   * @param {string} url  Of its script, for messages.
   * @param {number} memoryBytes
   * @param {{receive: (json: string, buffers: Uint8Array[]) => void, ended: (reason: string) => void, gone: () => void}} handlers
   */
  constructor(worker, url, memoryBytes, handlers) {
    this.#worker = worker;
    this.#handlers = handlers;
    const up = new Promise((resolve, reject) => {
      this.#onReady = () => resolve(undefined);
      this.#onFailure = reject;
    });
    this.#greet(url, memoryBytes).catch((error) => this.#end(error));
    this.ready = within(up, READY_MS, () => late(url)).catch((error) => {
      this.#end(error);
      throw error;
    });
    this.ready.catch(() => {});
  }

  /**
   * Send a message; after the end it is dropped.
   * @param {string} json
   * @param {Uint8Array[]} buffers  Memory of their own moves away.
   */
  post(json, buffers) {
    if (this.#isOver) return;
    const owned = buffers.map((each) => new Uint8Array(ownBuffer(each)));
    const transfer = [...new Set(owned.map(({ buffer }) => buffer))];
    this.#port?.postMessage({ json, buffers: owned }, transfer);
  }

  /** End it at once, whatever it does. */
  kill() {
    this.#isReady = false;
    this.#end(new EdgeError("runtime-stopped", "VM: expected it to live, got its end."));
  }

  /**
   * @param {string} url
   * @param {number} memoryBytes
   */
  async #greet(url, memoryBytes) {
    const options = { memoryBytes };
    const port = await handshake(this.#worker, { name: url, options, deadlineMs: GREETING_MS });
    if (this.#isOver) return port.close();
    this.#port = port;
    this.#worker.onerror = (event) => {
      // Unhandled, it would go on to the page as a crash of this worker.
      event.preventDefault();
      this.#end(broken(event.message));
    };
    port.onmessage = ({ data }) => this.#hear(data);
    port.onmessageerror = () => this.#end(broken("an unreadable message"));
  }

  /** @param {any} data  What tasks' code may have made up. */
  #hear(data) {
    if (this.#isOver) return;
    /** @type {FromMachine["kind"]} */
    const kind = data?.kind;
    if (kind === "message" && isParcel(data)) this.#receive(data);
    else if (kind === "ready" && !this.#isReady) {
      this.#isReady = true;
      this.#onReady();
    } else if (kind === "failed") this.#end(failureOf(data.error));
    else this.#end(broken("a message of no known shape"));
  }

  /** @param {Parcel} parcel */
  #receive({ json, buffers }) {
    try {
      this.#handlers.receive(json, buffers);
    } catch (error) {
      // Uncaught it would be the end of this worker, by a message that a task may have made up.
      this.#end(broken(`a message that cannot be read: ${error}`));
    }
  }

  /** @param {EdgeError} error */
  #end(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.terminate();
    this.#port?.close();
    this.#handlers.gone();
    if (this.#isReady) this.#handlers.ended(error.message);
    this.#onFailure(error);
  }
}

/** @param {any} data */
function isParcel({ json, buffers }) {
  if (typeof json !== "string" || json.length > JSON_CHARS) return false;
  // Its length may be a lie: a sparse array of four billion would hold this worker for minutes.
  if (!Array.isArray(buffers) || buffers.length > BUFFERS) return false;
  return [...buffers].every(isBytes);
}

/** @param {unknown} each */
function isBytes(each) {
  return each instanceof Uint8Array && each.buffer instanceof ArrayBuffer;
}

/** @param {any} plain */
function failureOf(plain) {
  return typeof plain?.message === "string" ? errorFromPlain(plain) : broken("no reason");
}

/** @param {string} got */
function broken(got) {
  return new EdgeError("worker-lost", `VM: expected its worker to live, got its end (${got}).`);
}

/** @param {string} url */
function late(url) {
  const text = `${url}: expected a VM within ${READY_MS} ms, got none. Try again on a faster connection.`;
  return new EdgeError("boot-timeout", text, { step: "vm" });
}
