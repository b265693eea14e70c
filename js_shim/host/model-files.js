/** Model files: kept in chunks in the browser, fetched at most once, right to the last byte. */

import { toPlainError } from "../errors.js";
import { realTimers } from "../timers.js";
import { requireWebCrypto } from "./aes-gcm.js";
import { ModelReading } from "./model-reading.js";
import { Room } from "./model-room.js";
import { openSealed } from "./model-seal.js";
import { ModelStore } from "./model-store.js";

/** @import { PlainError } from "../protocol.js" */
/** @import { Timers } from "../timers.js" */
/** @import { Locks } from "./model-lock.js" */
/** @import { OnProgress, Parts, Tally } from "./model-reading.js" */
/** @import { Estimate, Store } from "./model-room.js" */

/**
 * @typedef {object} ModelFile
 * @property {string} url
 * @property {string} sha256     Of the file as it is published: a sealed one's is of the sealed bytes.
 * @property {number} maxBytes   Larger ones are dropped.
 * @property {number} timeoutMs  How long the server may be silent; the whole may take longer.
 * @property {{key: Uint8Array}} [seal]  32 bytes.
 */

/**
 * @typedef {object} ModelFileStatistics
 * @property {number} files    Kept whole.
 * @property {number} bytes    Kept, of downloads that were broken off, too.
 * @property {number} hits     Reads that needed no network.
 * @property {number} misses   Reads that did.
 * @property {number} resumed  Downloads that went on where an earlier connection, or life, had stopped.
 * @property {number} evicted  Files that had to make room.
 * @property {"stored" | "memory"} mode  memory: the last file could not be kept, or nothing can.
 * @property {PlainError} [reason]       Why.
 */

/**
 * @typedef {object} Surroundings  Tests have their own.
 * @property {string} [databaseName]
 * @property {typeof fetch} [fetch]
 * @property {number} [chunkBytes]
 * @property {Store} [store]
 * @property {Locks | null} [locks]  None where the page was not served over TLS.
 * @property {Estimate | null} [estimate]
 * @property {Timers} [timers]
 */

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The files of one origin; of the tabs that want the same, one fetches it. */
export class ModelFiles {
  /** @type {Tally} */
  #tally = { hits: 0, misses: 0, resumed: 0, failure: undefined };
  /** @type {Map<string, ModelReading>} What is being read at this moment, by SHA-256. */
  #readings = new Map();
  /** @type {Parts} */
  #parts;

  /** @param {Surroundings} [surroundings] */
  constructor({
    databaseName = "edge-models",
    store = new ModelStore(databaseName),
    fetch = globalThis.fetch,
    chunkBytes = CHUNK_BYTES,
    locks = globalThis.navigator?.locks ?? null,
    estimate = globalThis.navigator?.storage ? () => navigator.storage.estimate() : null,
    timers = realTimers,
  } = {}) {
    const room = new Room(store, locks, estimate, (key) => this.#readings.has(key));
    this.#parts = { store, room, fetch, chunkBytes, locks, timers };
  }

  /**
   * Return a file, from what is kept if it is there; whoever reads it at the same time shares the work.
   * @param {ModelFile} file
   * @param {OnProgress} [onProgress]  At most every 100 ms, and at the end.
   * @returns {Promise<ArrayBuffer>}   Exactly the plain file, the caller's own to transfer.
   * @throws {EdgeError} network-failed | digest-mismatch | seal-broken | feature-missing
   */
  async read(file, onProgress) {
    if (file.seal) requireWebCrypto();
    const key = file.sha256.toLowerCase();
    const others = this.#readings.get(key);
    const reading = others ?? this.#begin(key, file);
    if (onProgress) reading.listeners.add(onProgress);
    // All copies are made before the first reader can transfer the original away.
    const buffer = await reading.whole.then((whole) => (others ? whole.slice(0) : whole));
    return file.seal ? openSealed(buffer, file.seal.key, file.url) : buffer;
  }

  /** @returns {Promise<ModelFileStatistics>} */
  async statistics() {
    const kept = await this.#parts.store.list().catch((error) => {
      this.#tally.failure = error;
      return [];
    });
    const { failure, ...counts } = this.#tally;
    return {
      files: kept.filter(([, { isComplete }]) => isComplete).length,
      bytes: kept.reduce((sum, [, { bytes }]) => sum + bytes, 0),
      ...counts,
      evicted: this.#parts.room.evicted,
      ...(failure === undefined
        ? { mode: "stored" }
        : { mode: "memory", reason: toPlainError(failure, "storage-failed") }),
    };
  }

  /**
   * Delete all that is kept; what is being fetched goes on and is not kept.
   * @throws {EdgeError} storage-failed
   */
  async erase() {
    await Promise.all([...this.#readings.values()].map((reading) => reading.letGo()));
    await this.#parts.store.erase();
  }

  /**
   * @param {string} key
   * @param {ModelFile} file
   */
  #begin(key, file) {
    const end = () => this.#readings.delete(key);
    const reading = new ModelReading(key, file, this.#parts, this.#tally, end);
    this.#readings.set(key, reading);
    return reading;
  }
}
