/**
 * Keeps one runtime worker alive: starts it when the page is idle or at first use, notices when it hangs or
 * dies, and starts another, at most a few times a minute.
 *
 * Calls in flight when a worker is lost are rejected with `worker-lost`; whether they took effect is unknown.
 */

import { EdgeError, errorFromPlain } from "./errors.js";
import { handshake } from "./handshake.js";
import { createRpc } from "./rpc.js";

/** @import { Rpc } from "./rpc.js" */
/** @import { StatusBody } from "./protocol.js" */

/**
 * @typedef {object} Surroundings  What a test replaces.
 * @property {() => Worker} createWorker
 * @property {unknown} options                          Sent with `Start`.
 * @property {(name: string, body: any) => void} emit   Notices of the worker, and `status`.
 * @property {(rpc: Rpc | undefined) => void} onConnection  The way to a ready worker, undefined when it is gone.
 */

export const LIMITS = Object.freeze({
  greetingMs: 15_000,
  bootMs: 180_000,
  pingMs: 2_000,
  silenceMs: 10_000,
  restarts: 3,
  restartWindowMs: 60_000,
});

export class Supervisor {
  /** @type {"idle" | "booting" | "ready" | "failed" | "stopped"} */
  state = "idle";
  #around;
  #limits;
  /** @type {Promise<Rpc> | undefined} */
  #booted;
  /** @type {(() => void) | undefined} */
  #release;
  /** @type {number[]} */
  #restartsMs = [];
  /** @type {EdgeError | undefined} */
  #end;

  /**
   * @param {Surroundings} around
   * @param {typeof LIMITS} [limits]
   */
  constructor(around, limits = LIMITS) {
    this.#around = around;
    this.#limits = limits;
  }

  /** Boot now unless that has begun; resolves when the worker is ready. */
  wake() {
    if (this.#end) return Promise.reject(this.#end);
    this.#booted ??= this.#boot();
    return this.#booted;
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
   * Send a notice if a worker is ready; else it has nothing to notice.
   * @param {string} name
   * @param {unknown} body
   */
  notify(name, body) {
    if (this.state === "ready")
      this.#booted?.then(
        (rpc) => rpc.notify(name, body),
        () => {},
      );
  }

  /** End the worker for good; everything outstanding is rejected with `runtime-stopped`. */
  stop() {
    if (this.state === "stopped") return;
    this.#finish(
      "stopped",
      new EdgeError("runtime-stopped", "the runtime was stopped. Call start() to begin again."),
    );
    this.#around.emit("status", { state: "stopped" });
  }

  async #boot() {
    this.state = "booting";
    this.#around.emit("status", { state: "booting", step: "worker" });
    const worker = this.#around.createWorker();
    try {
      const port = await handshake(worker, this.#around.options, this.#limits.greetingMs);
      return await this.#connect(worker, port);
    } catch (error) {
      worker.terminate();
      this.#fail(/** @type {EdgeError} */ (error));
      throw this.#end ?? error;
    }
  }

  /**
   * @param {Worker} worker
   * @param {MessagePort} port
   * @returns {Promise<Rpc>}
   */
  #connect(worker, port) {
    return new Promise((resolve, reject) => {
      let heardMs = performance.now();
      /** @param {string} name @param {any} body */
      const onNotice = (name, body) => {
        heardMs = performance.now();
        if (name === "status") this.#onStatus(body, rpc, resolve, reject);
        else if (name !== "pong") this.#around.emit(name, body);
      };
      const rpc = createRpc(port, { onNotice });
      const late = () =>
        reject(
          new EdgeError(
            "boot-timeout",
            `boot: expected its end within ${this.#limits.bootMs} ms, got none.`,
          ),
        );
      const bootTimer = setTimeout(late, this.#limits.bootMs);
      const watch = setInterval(() => {
        if (rpc.outstanding === 0 || this.state !== "ready") heardMs = performance.now();
        else if (performance.now() - heardMs > this.#limits.silenceMs)
          this.#lose("it did not answer");
        else rpc.notify("ping", {});
      }, this.#limits.pingMs);
      worker.onerror = (event) => this.#lose(event.message ?? "it crashed", reject);
      this.#release = () => {
        clearTimeout(bootTimer);
        clearInterval(watch);
        worker.terminate();
        rpc.close(
          this.#end ??
            new EdgeError(
              "worker-lost",
              "runtime worker: expected it to live, got its end. The call may have taken effect.",
            ),
        );
        reject(this.#end);
      };
    });
  }

  /**
   * @param {StatusBody} body
   * @param {Rpc} rpc
   * @param {(rpc: Rpc) => void} resolve
   * @param {(error: EdgeError) => void} reject
   */
  #onStatus(body, rpc, resolve, reject) {
    if (body.state === "failed" && body.error) return reject(errorFromPlain(body.error));
    if (body.state === "ready") {
      this.state = "ready";
      resolve(rpc);
      this.#around.onConnection(rpc);
    }
    this.#around.emit("status", body);
  }

  /**
   * @param {string} reason
   * @param {(error: EdgeError) => void} [reject]
   */
  #lose(reason, reject) {
    if (this.state === "booting") {
      const text = `runtime worker: expected it to start, got its end (${reason}).`;
      return reject?.(new EdgeError("boot-failed", text));
    }
    const nowMs = performance.now();
    this.#restartsMs = this.#restartsMs.filter((ms) => nowMs - ms < this.#limits.restartWindowMs);
    this.#restartsMs.push(nowMs);
    this.#disconnect();
    this.#around.emit("log", { level: "error", message: `runtime worker lost: ${reason}` });
    if (this.#restartsMs.length > this.#limits.restarts) {
      this.#fail(
        new EdgeError(
          "worker-lost",
          `runtime worker: expected at most ${this.#limits.restarts} restarts a minute, got more. It stays off; reload the page.`,
        ),
      );
    } else {
      this.#booted = undefined;
      this.wake().catch(() => {});
    }
  }

  /** @param {EdgeError} error */
  #fail(error) {
    if (this.#end) return;
    this.#finish("failed", error);
    this.#around.emit("status", { state: "failed", error: error.toPlain() });
  }

  /**
   * @param {"failed" | "stopped"} state
   * @param {EdgeError} reason
   */
  #finish(state, reason) {
    this.state = state;
    this.#end = reason;
    this.#disconnect();
  }

  #disconnect() {
    this.#around.onConnection(undefined);
    this.#release?.();
    this.#release = undefined;
  }
}
