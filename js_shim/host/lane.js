/** One inference worker as its owner sees it: asked, ended, gone. */

import { EdgeError } from "../errors.js";
import { handshake } from "../handshake.js";
import { createRpc } from "../rpc.js";

/** @import { Rpc } from "../rpc.js" */
/** @import { Target } from "../inference-protocol.js" */
/** @import { ErrorCode } from "../errors.js" */

const GREETING_MS = 15_000;
// The engine cannot abort a run and answers nothing during one: above this it counts as hung.
const OPEN_MS = 120_000;

export class Lane {
  /** @type {Set<string>} */
  sessions = new Set();
  /** Rejects when the worker is ended; never resolves. */
  gone;
  /** @type {Target | undefined} */
  #target;
  #isUp = false;
  #name;
  #worker;
  #onEnd;
  /** @type {Promise<Rpc>} */
  #ready;
  /** @type {Promise<unknown> | undefined} */
  #loading;
  /** @type {EdgeError | undefined} */
  #endedBy;
  /** @type {(error: EdgeError) => void} */
  #rejectGone = () => {};

  /**
   * @param {string} name
   * @param {Worker} worker
   * @param {string} url            Of the worker's script, for messages.
   * @param {(lane: Lane) => void} onEnd
   */
  constructor(name, worker, url, onEnd) {
    this.#name = name;
    this.#worker = worker;
    this.#onEnd = onEnd;
    /** @type {Promise<never>} */
    this.gone = new Promise((_, reject) => void (this.#rejectGone = reject));
    this.gone.catch(() => {});
    this.#ready = Promise.race([this.gone, this.#greet(url)]);
    this.#ready.catch(() => {});
  }

  get name() {
    return this.#name;
  }

  /** Why the worker ended, in words; empty while it lives. */
  get ending() {
    return this.#endedBy?.message ?? "";
  }

  /**
   * Give the lane its one target, if it has none, and start its engine; the first name it gets so is for good.
   * @param {string} name
   * @param {Target} target
   * @returns {Promise<unknown>} Settles when the engine is up.
   * @throws {EdgeError} argument-invalid: the lane has another target.
   */
  load(name, target) {
    if (!this.#target) {
      this.#name = name;
      this.#target = target;
    }
    if (keyOf(target) !== keyOf(this.#target)) {
      const text = `lane ${name}: expected the target ${keyOf(this.#target)}, which its worker is for, got ${keyOf(target)}. Name another lane, or close this one first.`;
      throw new EdgeError("argument-invalid", text, { lane: name });
    }
    this.#loading ??= this.#load(target);
    return this.#loading;
  }

  /** @param {Target} target */
  async #load(target) {
    await this.ask("load", target, { timeoutMs: OPEN_MS });
    this.#isUp = true;
  }

  /**
   * @param {string} method
   * @param {unknown} params
   * @param {{transfer?: Transferable[], timeoutMs: number}} timing
   * @throws {EdgeError} With the lane in its details; the worker is ended already if the error says that it must be.
   */
  async ask(method, params, timing) {
    try {
      const rpc = await this.#ready;
      return await rpc.call(method, params, timing);
    } catch (thrown) {
      throw this.#judged(/** @type {EdgeError} */ (thrown));
    }
  }

  /**
   * End the worker at once, whatever it does; what waits for it is rejected with an error that says so.
   * @param {string} reason
   * @param {Record<string, unknown>} [details]
   */
  end(reason, details = {}) {
    const text = `inference lane ${this.#name}: expected its worker to live, got its end (${reason}).`;
    this.#endWith(new EdgeError("worker-lost", text, { ...details, lane: this.#name, reason }));
  }

  /** @param {EdgeError} error */
  #endWith(error) {
    if (this.#endedBy) return;
    this.#endedBy = error;
    this.#worker.terminate();
    this.#onEnd(this);
    this.#ready.then(
      (rpc) => rpc.close(error),
      () => {},
    );
    this.#rejectGone(error);
  }

  /**
   * @param {string} url
   * @returns {Promise<Rpc>}
   */
  async #greet(url) {
    const port = await handshake(this.#worker, { name: url, options: {}, deadlineMs: GREETING_MS });
    this.#worker.onerror = (event) => {
      // Unhandled, it would go on to the page as a crash of this worker.
      event.preventDefault();
      this.end(event.message, { poisoned: true });
    };
    this.#worker.onmessageerror = () => this.end("an unreadable message", { poisoned: true });
    return createRpc(port, { onNotice: (_name, body) => this.#endWith(this.#own(body)) });
  }

  /**
   * Whose request it was is told the error itself; the others, that the worker is lost. A worker that is not up
   * yet fails all of them alike.
   * @param {EdgeError} error
   */
  #judged(error) {
    if (error === this.#endedBy) return error;
    const own = this.#own(error);
    if (own.details.poisoned) {
      if (this.#isUp) this.end(own.message, { poisoned: true });
      else this.#endWith(own);
    }
    return own;
  }

  /**
   * @param {{code: string, message: string, details: Record<string, unknown>}} error
   * @returns {EdgeError} With the lane, and `poisoned` where the worker is of no more use.
   */
  #own({ code, message, details }) {
    // Two that the worker itself never says: its script failed, or it does not answer. One of another build keeps its
    // code: only a reload helps.
    const isStart = code === "boot-failed" || code === "boot-timeout";
    const isOver = isStart || code === "worker-lost" || code === "version-mismatch";
    const poisoned = isOver ? { poisoned: true, reason: message } : {};
    return new EdgeError(isStart ? "inference-failed" : /** @type {ErrorCode} */ (code), message, {
      ...poisoned,
      ...details,
      lane: this.#name,
    });
  }
}

/** @param {Target} target */
function keyOf({ backend, device, build, threads }) {
  return [backend, device, `${build} build`, `${threads} threads`].filter(Boolean).join(", ");
}
