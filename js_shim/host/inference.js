/** ONNX sessions in their own workers: one for wasm, one for accelerators, started when first needed. */

import { EdgeError } from "../errors.js";
import { handshake } from "../handshake.js";
import { createRpc } from "../rpc.js";
import { scriptUrl } from "../script-url.js";

/** @import { Rpc } from "../rpc.js" */
/** @import { BackendReport, WireSpec, WireTensor } from "../protocol.js" */
/** @typedef {{worker: Worker, rpc: Rpc}} Lane */
/** @typedef {{inputs: WireSpec[], outputs: WireSpec[], backend: BackendReport}} Opened */
/** @typedef {{name: string, dtype: string, shape: number[], data: Uint8Array}} Feed */

const GREETING_MS = 15_000;
// The engine cannot abort a run and answers nothing during one: above these it counts as hung.
const OPEN_MS = 120_000;
const RUN_MS = 60_000;

export class Inference {
  /** @type {Map<string, Promise<Lane>>} */
  #lanes = new Map();
  /** @type {Map<string, string>} Lane of each open model. */
  #laneOf = new Map();
  #workerUrl;
  #createWorker;

  /**
   * @param {string} workerUrl
   * @param {(url: string, name: string) => Worker} [createWorker]
   */
  constructor(workerUrl, createWorker = moduleWorker) {
    this.#workerUrl = workerUrl;
    this.#createWorker = createWorker;
  }

  /**
   * Open a model on `backend`, or on wasm with the reason when that is not to be had.
   * @param {string} model
   * @param {Uint8Array} data
   * @param {string} backend
   * @returns {Promise<Opened>}
   * @throws {EdgeError} inference-failed | worker-lost
   */
  async open(model, data, backend) {
    if (backend === "wasm") return this.#openOn("wasm", model, detachable(data), backend);
    try {
      // A fallback opens the same bytes on another lane: this one gets a copy.
      return await this.#openOn("accelerated", model, detachable(data.slice()), backend);
    } catch (error) {
      const fallbackReason = error instanceof Error ? error.message : String(error);
      const opened = await this.#openOn("wasm", model, detachable(data), "wasm");
      return { ...opened, backend: { ...opened.backend, fallbackReason } };
    }
  }

  /**
   * @param {string} model
   * @param {Feed[]} feeds
   * @returns {Promise<{outputs: WireTensor[], inferMs: number}>}
   * @throws {EdgeError} inference-failed | worker-lost (open the model again)
   */
  async run(model, feeds) {
    const name = this.#laneOf.get(model) ?? "";
    if (!this.#lanes.has(name))
      throw new EdgeError("worker-lost", `model ${model}: expected an open session, got none.`);
    const wires = feeds.map(({ data, ...feed }) => ({ ...feed, data: detachable(data) }));
    const transfer = wires.map((wire) => wire.data);
    return this.#ask(name, "run", { model, feeds: wires }, { transfer, timeoutMs: RUN_MS });
  }

  /** @param {string} model */
  async release(model) {
    const lane = await this.#lanes.get(this.#laneOf.get(model) ?? "");
    this.#laneOf.delete(model);
    await lane?.rpc.call("release", { model });
  }

  /** End all workers; sessions are gone. */
  stop() {
    for (const name of [...this.#lanes.keys()]) this.#drop(name, "the runtime stopped");
  }

  /**
   * @param {string} name
   * @param {string} model
   * @param {ArrayBuffer} data  Transferred.
   * @param {string} backend
   * @returns {Promise<Opened>}
   */
  async #openOn(name, model, data, backend) {
    const timing = { transfer: [data], timeoutMs: OPEN_MS };
    const opened = await this.#ask(name, "open", { model, data, backend }, timing);
    // Replaced on another lane: the session there would keep its memory for nothing.
    if ((this.#laneOf.get(model) ?? name) !== name) await this.release(model);
    this.#laneOf.set(model, name);
    return opened;
  }

  /**
   * Ask a lane, starting it if need be; one that broke is ended.
   * @param {string} name
   * @param {string} method
   * @param {unknown} params
   * @param {{transfer: Transferable[], timeoutMs: number}} timing
   */
  async #ask(name, method, params, timing) {
    if (!this.#lanes.has(name)) this.#lanes.set(name, this.#start(name));
    const lane = this.#lanes.get(name);
    try {
      return await (await lane)?.rpc.call(method, params, timing);
    } catch (error) {
      const broken =
        error instanceof EdgeError && (error.details.poisoned || error.code === "worker-lost");
      if (broken && this.#lanes.get(name) === lane) this.#drop(name, error.message);
      throw error;
    }
  }

  /**
   * @param {string} name
   * @returns {Promise<Lane>}
   */
  async #start(name) {
    const worker = this.#createWorker(this.#workerUrl, `edge-inference-${name}`);
    try {
      const port = await handshake(worker, {
        name: this.#workerUrl,
        options: {},
        deadlineMs: GREETING_MS,
      });
      worker.onerror = (event) => {
        // Unhandled, it would go on to the page as a crash of this worker.
        event.preventDefault();
        this.#drop(name, event.message);
      };
      return { worker, rpc: createRpc(port) };
    } catch (error) {
      worker.terminate();
      this.#lanes.delete(name);
      throw error;
    }
  }

  /**
   * End a lane; what waits for it is rejected and its models must be opened again.
   * @param {string} name
   * @param {string} reason
   */
  #drop(name, reason) {
    const ending = this.#lanes.get(name);
    this.#lanes.delete(name);
    for (const [model, lane] of this.#laneOf) if (lane === name) this.#laneOf.delete(model);
    ending?.then(
      ({ worker, rpc }) => {
        worker.terminate();
        rpc.close(
          new EdgeError(
            "worker-lost",
            `inference worker: expected it to live, got its end (${reason}).`,
          ),
        );
      },
      () => {},
    );
  }
}

/**
 * @param {string} url
 * @param {string} name
 */
function moduleWorker(url, name) {
  return new Worker(scriptUrl(url), { type: "module", name });
}

/**
 * A buffer of exactly these bytes that may be transferred.
 * @param {Uint8Array} data
 */
function detachable(data) {
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength;
  return /** @type {ArrayBuffer} */ (whole ? data.buffer : data.slice().buffer);
}
