/** VMs: workers with an interpreter of their own, in which tasks' code runs. */

import { EdgeError } from "../errors.js";
import { startWorker } from "../script-url.js";
import { Machine } from "./machine.js";

export class Machines {
  /** @type {Set<Machine>} */
  #live = new Set();
  #workerUrl;
  #createWorker;

  /**
   * @param {string} workerUrl
   * @param {(url: string) => Worker} [createWorker]
   */
  constructor(workerUrl, createWorker = moduleWorker) {
    this.#workerUrl = workerUrl;
    this.#createWorker = createWorker;
  }

  /** Whether workers can start workers here. */
  get isAvailable() {
    return typeof Worker === "function";
  }

  /**
   * Start a VM; it may be used when its `ready` resolves.
   * @param {number} memoryBytes  What its heap may reach.
   * @param {(json: string, buffers: Uint8Array[]) => void} receive  Not called any more after the end.
   * @param {(reason: string) => void} ended  Once, if it ends by itself after it was ready.
   * @returns {Machine}
   * @throws {EdgeError} boot-failed: the browser refuses its worker. `ready` rejects with boot-failed | boot-timeout |
   *   feature-missing | version-mismatch | worker-lost | runtime-stopped.
   */
  start(memoryBytes, receive, ended) {
    /** @type {Machine} */
    const machine = new Machine(this.#newWorker(), this.#workerUrl, memoryBytes, {
      receive,
      ended,
      gone: () => this.#live.delete(machine),
    });
    this.#live.add(machine);
    return machine;
  }

  /** End them all. */
  stop() {
    for (const machine of [...this.#live]) machine.kill();
  }

  #newWorker() {
    try {
      return this.#createWorker(this.#workerUrl);
    } catch (error) {
      const text = `${this.#workerUrl}: expected a worker, got ${error}. Allow it in worker-src of the page's policy, and 'trusted-types edge-web-runtime' where it requires them.`;
      throw new EdgeError("boot-failed", text, { url: this.#workerUrl }, error);
    }
  }
}

/** @param {string} url */
function moduleWorker(url) {
  return startWorker(url, "edge-vm");
}
