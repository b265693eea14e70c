/** ONNX sessions in lanes: each one worker with one build of the engine, started when first needed. */

import { EdgeError } from "../errors.js";
import { startWorker } from "../script-url.js";
import { Lane } from "./lane.js";
import { sha256 } from "./model-bytes.js";
import { mismatch } from "./model-reading.js";

/** @import { Opened, Ran, Target } from "../inference-protocol.js" */
/** @typedef {{name: string, dtype: string, shape: number[], data: Uint8Array}} Feed */
/** @typedef {(loadedBytes: number, totalBytes: number | null) => void} OnProgress */

/**
 * @typedef {object} FileOrder
 * @property {string} url
 * @property {string} sha256
 * @property {number} maxBytes
 * @property {number} timeoutMs
 * @property {{key: Uint8Array}} [seal]
 */

/** @typedef {FileOrder & {data?: Uint8Array}} AnyOrder  `data`: the file itself. */
/** @typedef {AnyOrder & {external?: (AnyOrder & {path: string})[]}} ModelOrder */
/** @typedef {{read: (file: FileOrder, onProgress?: OnProgress) => Promise<ArrayBuffer>}} Files */

// The engine cannot abort a run and answers nothing during one: above these it counts as hung.
const OPEN_MS = 120_000;
const RUN_MS = 60_000;
const PROBE_MS = 30_000;

export class Inference {
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  /** @type {Lane | undefined} The worker that probed: the first lane for wasm takes it. */
  #spare;
  /** @type {Map<boolean, Promise<any>>} Facts, with accelerators or without. */
  #facts = new Map();
  /** @type {Map<string, string>} Why the lanes of these names ended, the last time. */
  #endings = new Map();
  #workerUrl;
  #files;
  #createWorker;

  /**
   * @param {string} workerUrl
   * @param {Files} files  Verified model files.
   * @param {(url: string, name: string) => Worker} [createWorker]
   */
  constructor(workerUrl, files, createWorker = startWorker) {
    this.#workerUrl = workerUrl;
    this.#files = files;
    this.#createWorker = createWorker;
  }

  /**
   * What this device offers to an inference worker, and which build of the engine is served; asked once.
   * @param {boolean} accelerators  Whether to ask for GPUs and NPUs, too.
   * @returns {Promise<any>}
   * @throws {EdgeError} inference-failed | worker-lost
   */
  probe(accelerators) {
    const known = this.#facts.get(accelerators);
    if (known) return known;
    const asked = this.#probe(accelerators).catch((error) => {
      this.#facts.delete(accelerators);
      throw error;
    });
    this.#facts.set(accelerators, asked);
    return asked;
  }

  /**
   * Open a session; the lane's worker starts, and its engine compiles, while the file is read.
   * @param {string} laneName
   * @param {string} session  Replaces the lane's session of this name.
   * @param {ModelOrder} file
   * @param {Target} target   The same for all sessions of a lane, dimensions aside.
   * @param {OnProgress | null} [onProgress]  Not called any more when this has settled.
   * @returns {Promise<Opened & {fileBytes: number}>}
   * @throws {EdgeError} inference-failed | worker-lost | argument-invalid | what the file fails with
   */
  async open(laneName, session, file, target, onProgress) {
    let isOpening = true;
    /** @type {OnProgress} */
    const tell = (loadedBytes, totalBytes) => {
      if (isOpening) onProgress?.(loadedBytes, totalBytes);
    };
    try {
      return await this.#open(laneName, session, file, target, tell);
    } finally {
      // A file that others wait for, too, is read on when this lane has ended.
      isOpening = false;
    }
  }

  /**
   * @param {string} laneName
   * @param {string} session
   * @param {ModelOrder} file
   * @param {Target} target
   * @param {OnProgress} onProgress
   */
  async #open(laneName, session, file, target, onProgress) {
    const lane = this.#lane(laneName, target);
    const loading = lane.load(laneName, target);
    const [[data, ...rest]] = await Promise.race([
      lane.gone,
      Promise.all([this.#read(file, onProgress), loading]),
    ]);
    const fileBytes = [data, ...rest].reduce((sum, each) => sum + each.byteLength, 0);
    const external = (file.external ?? []).map(({ path }, i) => ({ path, data: rest[i] }));
    const params = { session, data, external, target };
    const timing = { transfer: [data, ...rest], timeoutMs: OPEN_MS };
    const opened = await lane.ask("open", params, timing);
    lane.sessions.add(session);
    return { ...opened, fileBytes };
  }

  /**
   * @param {string} laneName
   * @param {string} session
   * @param {Feed[]} feeds  Their buffers move to the worker.
   * @returns {Promise<Ran>}
   * @throws {EdgeError} inference-failed | worker-lost (open the session again)
   */
  async run(laneName, session, feeds) {
    const lane = this.#lanes.get(laneName);
    if (!lane?.sessions.has(session)) throw notOpen(laneName, session, this.#endings.get(laneName));
    const wires = feeds.map(({ data, ...feed }) => ({ ...feed, data: detachable(data) }));
    const transfer = wires.map((wire) => wire.data);
    return lane.ask("run", { session, feeds: wires }, { transfer, timeoutMs: RUN_MS });
  }

  /**
   * @param {string} laneName
   * @param {string} session
   */
  async release(laneName, session) {
    const lane = this.#lanes.get(laneName);
    if (lane?.sessions.delete(session))
      await lane.ask("release", { session }, { timeoutMs: RUN_MS });
  }

  /**
   * End a lane's worker at once, also amid a run; its sessions are gone, what waits for it is rejected.
   * @param {string} laneName
   * @param {string} reason
   */
  close(laneName, reason) {
    this.#lanes.get(laneName)?.end(reason);
  }

  /** End all workers; sessions are gone. */
  stop() {
    for (const lane of [this.#spare, ...this.#lanes.values()]) lane?.end("the runtime stopped");
  }

  /** @param {boolean} accelerators */
  async #probe(accelerators) {
    // Any worker will do: what it runs does not change what it is told.
    const [some] = this.#lanes.values();
    this.#spare ??= some ? undefined : this.#start("spare");
    const asked = this.#spare ?? some;
    const facts = await asked.ask("probe", { accelerators }, { timeoutMs: PROBE_MS });
    // Its name holds a digest of all that it is made of, the engine included.
    return { ...facts, build: this.#workerUrl.split("/").at(-1) };
  }

  /**
   * @param {string} name
   * @param {Target} target
   */
  #lane(name, target) {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = (target.backend === "wasm" && this.#spare) || this.#start(name);
    if (lane === this.#spare) this.#spare = undefined;
    this.#lanes.set(name, lane);
    return lane;
  }

  /** @param {string} name */
  #start(name) {
    const worker = this.#createWorker(this.#workerUrl, `edge-inference-${name}`);
    return new Lane(name, worker, this.#workerUrl, (lane) => this.#forget(lane));
  }

  /** @param {Lane} lane */
  #forget(lane) {
    if (this.#spare === lane) this.#spare = undefined;
    if (this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name);
    this.#endings.set(lane.name, lane.ending);
  }

  /**
   * The model and the files that it refers to.
   * @param {ModelOrder} order
   * @param {OnProgress} [onProgress]
   */
  #read({ external = [], ...model }, onProgress) {
    return Promise.all(
      [model, ...external].map(({ data, ...file }, i) =>
        data ? checked(data, file) : this.#files.read(file, i ? undefined : onProgress),
      ),
    );
  }
}

/**
 * @param {Uint8Array} data
 * @param {FileOrder} file
 * @returns {Promise<ArrayBuffer>}
 * @throws {EdgeError} digest-mismatch
 */
async function checked(data, file) {
  const got = await sha256(data);
  if (got !== file.sha256) throw mismatch(file, got);
  return detachable(data);
}

/**
 * @param {string} lane
 * @param {string} session
 * @param {string} [ending]  Of the lane's last worker.
 */
function notOpen(lane, session, ending) {
  const why = ending ? ` (${ending})` : "";
  const text = `session ${session}: expected it to be open on lane ${lane}, got none${why}. Open it again.`;
  return new EdgeError("worker-lost", text, { lane, reason: "not open" });
}

/**
 * A buffer of exactly these bytes that may be transferred.
 * @param {Uint8Array} data
 */
function detachable(data) {
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength;
  return /** @type {ArrayBuffer} */ (whole ? data.buffer : data.slice().buffer);
}
