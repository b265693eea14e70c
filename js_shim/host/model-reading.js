/** One file on its way to all who read it at this moment: from what is kept, else over the network. */

import { EdgeError } from "../errors.js";
import { ModelBytes, sha256 } from "./model-bytes.js";
import { Download } from "./model-download.js";
import { Keeping, readChunks } from "./model-keeping.js";
import { alone } from "./model-lock.js";

/** @import { Timers } from "../timers.js" */
/** @import { Hooks, Source } from "./model-download.js" */
/** @import { Locks } from "./model-lock.js" */
/** @import { Room, Store } from "./model-room.js" */
/** @import { FileRecord } from "./model-store.js" */
/** @typedef {(loadedBytes: number, totalBytes: number | null) => void} OnProgress */
/** @typedef {{hits: number, misses: number, resumed: number, failure: unknown}} Tally  Why the last is not kept. */

/**
 * @typedef {object} Parts
 * @property {Store} store
 * @property {Room} room
 * @property {typeof fetch} fetch
 * @property {number} chunkBytes
 * @property {Locks | null} locks
 * @property {Timers} timers
 */

const PROGRESS_MS = 100;

export class ModelReading {
  /** @type {Promise<ArrayBuffer>} The file as it is published. */
  whole;
  /** @type {Set<OnProgress>} */
  listeners = new Set();
  #toldMs = -Infinity;
  /** @type {Keeping | undefined} */
  #keeping;
  #isLetGo = false;
  #key;
  #file;
  #parts;
  #tally;

  /**
   * @param {string} key
   * @param {Source & {sha256: string}} file
   * @param {Parts} parts
   * @param {Tally} tally
   * @param {() => void} onEnd
   */
  constructor(key, file, parts, tally, onEnd) {
    this.#key = key;
    this.#file = file;
    this.#parts = parts;
    this.#tally = tally;
    const { locks, timers } = parts;
    const waiting = { timers, patienceMs: file.timeoutMs, progress: () => this.#keptBytes() };
    this.whole = alone(locks, key, waiting, () => this.#load()).finally(onEnd);
  }

  /** Keep nothing any more; returns when nothing is being written. */
  async letGo() {
    this.#isLetGo = true;
    this.#keeping?.giveUp(erased());
    await this.#keeping?.stop();
  }

  #keptBytes() {
    return this.#parts.store.find(this.#key).then(
      (record) => record?.bytes ?? 0,
      () => 0,
    );
  }

  async #load() {
    const bytes = (await this.#kept()) ?? (await this.#fetched());
    this.#tell(bytes.length, bytes.length);
    return bytes.take();
  }

  /** @returns {Promise<ModelBytes | undefined>}  Undefined: it is not kept, or no longer what it was. */
  async #kept() {
    const { store } = this.#parts;
    try {
      const record = await store.find(this.#key);
      if (!record?.isComplete) return undefined;
      const bytes = await this.#assembled(record);
      if (!bytes) {
        await store.drop(this.#key);
        return undefined;
      }
      this.#tally.hits += 1;
      this.#tally.failure = undefined;
      store.touch(this.#key, Date.now()).catch(() => {});
      return bytes;
    } catch (error) {
      this.#tally.failure = error;
      return undefined;
    }
  }

  /** @param {FileRecord} record */
  async #assembled(record) {
    if (record.bytes > this.#file.maxBytes) return undefined;
    const bytes = new ModelBytes();
    bytes.reserve(record.bytes);
    const count = await readChunks(this.#parts.store, this.#key, record, bytes);
    return count === record.digests.length && bytes.length === record.bytes ? bytes : undefined;
  }

  async #fetched() {
    const { store, room, chunkBytes } = this.#parts;
    this.#tally.misses += 1;
    const download = new Download(this.#file, this.#parts);
    const keeping = new Keeping(this.#key, download, store, room, chunkBytes);
    this.#keeping = keeping;
    if (this.#isLetGo) keeping.giveUp(erased());
    await keeping.begin();
    try {
      await this.#download(download, this.#hooks(download, keeping));
      await keeping.finish();
    } finally {
      await keeping.stop();
      this.#tally.failure = keeping.failure;
    }
    return download.bytes;
  }

  /**
   * Download the file and see that it is the right one.
   * @param {Download} download
   * @param {Hooks} hooks
   */
  async #download(download, hooks) {
    await download.run(hooks);
    if (download.isPieced) this.#tally.resumed += 1;
    let got = await sha256(download.bytes.view);
    // Of two versions, or of the one that the browser's own cache has kept.
    const isCached = hooks.cache() === "default";
    if (got !== this.#key && (download.isPieced || isCached)) {
      await download.runAnew(isCached ? { ...hooks, cache: () => "reload" } : hooks);
      got = await sha256(download.bytes.view);
    }
    if (got === this.#key) return;
    await hooks.anew();
    throw mismatch(this.#file, got);
  }

  /**
   * @param {Download} download
   * @param {Keeping} keeping
   * @returns {Hooks}
   */
  #hooks(download, keeping) {
    return {
      more: () => {
        this.#tellNowAndThen(download);
        return keeping.more();
      },
      anew: () => keeping.anew(),
      // What is kept here needs no second place; what is not may at least be in the browser's cache.
      cache: () => (keeping.failure === undefined ? "no-store" : "default"),
    };
  }

  /** @param {Download} download */
  #tellNowAndThen({ bytes, totalBytes }) {
    const nowMs = this.#parts.timers.nowMs();
    if (nowMs - this.#toldMs < PROGRESS_MS) return;
    this.#toldMs = nowMs;
    this.#tell(bytes.length, totalBytes);
  }

  /**
   * @param {number} loadedBytes
   * @param {number | null} totalBytes
   */
  #tell(loadedBytes, totalBytes) {
    for (const each of this.listeners) each(loadedBytes, totalBytes);
  }
}

function erased() {
  const text =
    "model files: expected to keep the file, got an erasure meanwhile. It is used without being kept.";
  return new EdgeError("storage-failed", text);
}

/**
 * @param {{url: string, sha256: string}} file
 * @param {string} got  The digest of the bytes that came.
 */
export function mismatch({ url, sha256: expected }, got) {
  const text = `model ${url}: expected sha256 ${expected}, got ${got}. Publish the file that the configuration names, or correct the digest.`;
  return new EdgeError("digest-mismatch", text, { url, expected, got });
}
