/**
 * Keeps one runtime worker alive: starts it at first use, notices when it hangs or dies, and starts another,
 * at most a few times a minute.
 *
 * Calls in flight when a worker is lost are rejected with `worker-lost`; whether they took effect is unknown.
 * Events that the worker had not yet made durable are sent to the next one.
 */

import { EdgeError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { createRestarts } from "./restarts.js";
import { without } from "./script-url.js";
import { createStrikes } from "./strikes.js";
import { createPause, realTimers } from "./timers.js";
import { openSession } from "./worker-session.js";

/** @import { Limits } from "./limits.js" */
/** @import { Rpc } from "./rpc.js" */
/** @import { Timers } from "./timers.js" */
/** @import { WorkerSession } from "./worker-session.js" */

/**
 * @typedef {object} Surroundings  What a test replaces.
 * @property {string} scriptUrl
 * @property {() => Worker} createWorker
 * @property {(struck: string[]) => unknown} options     Sent with `Start`, made for each worker; it begins with these
 *   tasks' breakers open.
 * @property {(name: string, body: any) => void} emit   Notices of the worker, `status` and `log`.
 * @property {(rpc: Rpc | undefined) => void} onConnection  The way to a ready worker, undefined when it is gone.
 * @property {Timers} [timers]
 */

// The longest that a timer takes.
const FOREVER_MS = 2 ** 31 - 1;

export class Supervisor {
  /** @type {"idle" | "booting" | "ready" | "failed" | "stopped"} */
  state = "idle";
  #around;
  #limits;
  #timers;
  /** @type {Promise<Rpc> | undefined} */
  #ready;
  /** @type {WorkerSession | undefined} */
  #session;
  #restarts;
  #strikes;
  #backoff;
  /** @type {EdgeError | undefined} */
  #end;

  /**
   * @param {Surroundings} around
   * @param {Readonly<Limits>} [limits]
   */
  constructor(around, limits = LIMITS) {
    this.#around = around;
    this.#limits = limits;
    this.#timers = around.timers ?? realTimers;
    this.#restarts = createRestarts(limits);
    this.#strikes = createStrikes(limits);
    this.#backoff = createPause(this.#timers);
  }

  /**
   * Boot now unless that has begun; resolves when the worker is ready.
   * @returns {Promise<Rpc>}
   */
  wake() {
    if (this.#end) return Promise.reject(this.#end);
    return this.#ready ?? this.#boot(0);
  }

  /**
   * Ask the worker, booting it first if need be.
   * @param {string} method
   * @param {unknown} params
   * @returns {Promise<any>}
   * @throws {EdgeError} The worker's own, worker-lost, boot-…, runtime-stopped.
   */
  async call(method, params) {
    const rpc = await this.wake();
    return rpc.call(method, params);
  }

  /**
   * Send a notice if a worker is ready; else there is nobody to notice.
   * @param {string} name
   * @param {unknown} body
   */
  notify(name, body) {
    if (this.state !== "ready") return;
    this.#ready?.then(
      (rpc) => rpc.notify(name, body),
      () => {},
    );
  }

  /**
   * End the worker until `rouse`: a frozen page's would hold what the next page needs, and keep the page out of the
   * back/forward cache. What is asked meanwhile waits.
   */
  rest() {
    if (!this.#session) return;
    const text = "the page: expected to stay, was left or frozen. The call may have taken effect.";
    this.#disconnect(new EdgeError("worker-lost", text));
    this.#boot(FOREVER_MS).catch(() => {});
  }

  /** Boot at once what waits for that. */
  rouse() {
    this.#backoff.cut();
  }

  /** End the worker for good; everything outstanding is rejected with `runtime-stopped`. */
  stop() {
    if (this.#end) return;
    const text = "the runtime was stopped. Call start() again.";
    this.#finish("stopped", new EdgeError("runtime-stopped", text));
    this.#around.emit("status", { state: "stopped" });
  }

  /**
   * @param {number} delayMs
   * @returns {Promise<Rpc>}
   */
  #boot(delayMs) {
    this.state = "booting";
    this.#ready = this.#readyAfter(delayMs);
    // Only now: a listener may wake it again, or stop it.
    this.#around.emit("status", { state: "booting", step: "worker" });
    return this.#ready;
  }

  /** @param {number} delayMs */
  async #readyAfter(delayMs) {
    await (delayMs > 0 && this.#backoff.wait(delayMs));
    /** @type {WorkerSession | undefined} */
    let own;
    try {
      if (this.#end) throw this.#end;
      own = this.#session = this.#openSession();
      return await own.ready;
    } catch (error) {
      // What is no EdgeError is a page's: its scripts may have replaced what the browser offers.
      const failure = error instanceof EdgeError ? error : without(error);
      // Unless it was ended to rest.
      if (this.#session === own) this.#fail(failure);
      throw failure;
    }
  }

  #openSession() {
    const { scriptUrl, createWorker, options, onConnection, emit } = this.#around;
    return openSession({
      scriptUrl,
      createWorker,
      options: options(this.#strikes.struck()),
      timers: this.#timers,
      limits: this.#limits,
      onReady: (rpc) => {
        this.state = "ready";
        onConnection(rpc);
      },
      onNotice: emit,
      onLost: (reason, taskName) => this.#replace(reason, taskName),
      onFailed: (error) => this.#fail(error),
    });
  }

  /**
   * End the lost worker and boot another after a back-off, unless that happens too often.
   * @param {string} reason
   * @param {string} [taskName]  Whose code it was.
   */
  #replace(reason, taskName) {
    this.#strikes.lost(taskName);
    const text = `runtime worker: expected it to answer, got its end: ${reason}.`;
    this.#disconnect(new EdgeError("worker-lost", `${text} The call may have taken effect.`));
    this.#around.emit("log", { level: "error", message: text });
    // A listener may have stopped it.
    if (this.#end) return;
    const delayMs = this.#restarts.nextDelayMs(this.#timers.nowMs());
    if (delayMs === undefined) return this.#fail(givenUp(text));
    this.#boot(delayMs).catch(() => {});
  }

  /** @param {EdgeError} error */
  #fail(error) {
    if (this.#end) return;
    this.#finish("failed", error);
    const { message: reason, details } = error;
    const said = details.feature ? { state: "unsupported", reason } : { state: "failed" };
    this.#around.emit("status", { ...said, error: error.toPlain() });
  }

  /**
   * @param {"failed" | "stopped"} state
   * @param {EdgeError} reason
   */
  #finish(state, reason) {
    this.state = state;
    this.#end = reason;
    this.#disconnect(reason);
    this.#backoff.cut();
  }

  /** @param {EdgeError} reason */
  #disconnect(reason) {
    this.#around.onConnection(undefined);
    this.#session?.end(reason);
    this.#session = undefined;
  }
}

/** @param {string} text */
function givenUp(text) {
  return new EdgeError("worker-lost", `${text} Too often: reload the page.`);
}
