/** Keeps what comes of one download, chunk by chunk, for as long as the storage lets it. */

import { sha256 } from "./model-bytes.js";

/** @import { Download } from "./model-download.js" */
/** @import { Room, Store } from "./model-room.js" */
/** @import { FileRecord } from "./model-store.js" */

export class Keeping {
  /** @type {unknown} Why the file is not kept. */
  failure;
  #key;
  #download;
  #store;
  #room;
  #chunkBytes;
  /** @type {FileRecord} */
  #record;
  #takenBytes = 0;
  /** @type {Promise<void>} One write at a time: the download waits for the one before. */
  #writing = Promise.resolve();

  /**
   * @param {string} key
   * @param {Download} download
   * @param {Store} store
   * @param {Room} room
   * @param {number} chunkBytes
   */
  constructor(key, download, store, room, chunkBytes) {
    this.#key = key;
    this.#download = download;
    this.#store = store;
    this.#room = room;
    this.#chunkBytes = chunkBytes;
    this.#record = this.#empty();
  }

  /** Take up what an earlier download left, as far as it is sound. */
  async begin() {
    try {
      const found = await this.#store.find(this.#key);
      if (!found || found.chunkBytes !== this.#chunkBytes) return;
      const { bytes } = this.#download;
      const count = await readChunks(this.#store, this.#key, found, bytes);
      if (count === 0) return;
      this.#takenBytes = bytes.length;
      this.#record = { ...found, digests: found.digests.slice(0, count), bytes: bytes.length };
      this.#download.goOn(bytes, found);
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** Keep each chunk that has come whole. */
  async more() {
    while (this.#download.bytes.length - this.#takenBytes >= this.#chunkBytes) {
      await this.#writing;
      this.#writing = this.#keep(this.#next(this.#chunkBytes), false);
    }
  }

  /** What was kept is of no use. */
  async anew() {
    await this.#writing;
    this.#takenBytes = 0;
    this.#record = this.#empty();
    await this.#attempt(() => this.#store.drop(this.#key));
  }

  /** Keep the rest, and that the file is complete; it is the right one. */
  async finish() {
    await this.#writing;
    await this.#keep(this.#next(this.#download.bytes.length - this.#takenBytes), true);
  }

  /** Leave what is kept for the next download. */
  async stop() {
    await this.#writing;
  }

  /** @param {unknown} error */
  giveUp(error) {
    this.failure ??= error;
  }

  /** @param {number} sizeBytes */
  #next(sizeBytes) {
    const start = this.#takenBytes;
    this.#takenBytes += sizeBytes;
    return () => this.#download.bytes.view.slice(start, start + sizeBytes);
  }

  /**
   * @param {() => Uint8Array} copied
   * @param {boolean} isComplete
   */
  #keep(copied, isComplete) {
    return this.#attempt(async () => {
      // Right away: the download goes on, and may begin anew.
      const chunk = copied();
      const { totalBytes, validator } = this.#download;
      if (this.#record.bytes === 0) await this.#room.reserve(totalBytes ?? chunk.byteLength);
      const record = {
        ...this.#record,
        isComplete,
        totalBytes,
        validator,
        usedMs: Date.now(),
        bytes: this.#record.bytes + chunk.byteLength,
        digests: [...this.#record.digests, await sha256(chunk)],
      };
      const neededBytes = (totalBytes ?? record.bytes) - this.#record.bytes;
      await this.#room.written(() => this.#store.add(this.#key, record, chunk), neededBytes);
      this.#record = record;
    });
  }

  /** @param {() => Promise<void>} action */
  async #attempt(action) {
    if (this.failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.giveUp(error);
      await this.#store.drop(this.#key).catch(() => {});
    }
  }

  /** @returns {FileRecord} */
  #empty() {
    return {
      isComplete: false,
      bytes: 0,
      chunkBytes: this.#chunkBytes,
      digests: [],
      totalBytes: null,
      validator: null,
      usedMs: 0,
    };
  }
}

/**
 * Append a file's chunks in order, up to the first that is not what its digest names.
 * @param {Store} store
 * @param {string} key
 * @param {FileRecord} record
 * @param {import("./model-bytes.js").ModelBytes} bytes
 * @returns {Promise<number>} How many were right.
 */
export async function readChunks(store, key, { digests }, bytes) {
  const read = (/** @type {number} */ index) => {
    const reading = index < digests.length ? store.chunk(key, index) : undefined;
    // Asked for ahead; where nobody takes it any more, its failure is nobody's either.
    reading?.catch(() => {});
    return reading;
  };
  let next = read(0);
  for (let index = 0; index < digests.length; index += 1) {
    const chunk = await next;
    next = read(index + 1);
    if (!chunk || (await sha256(chunk)) !== digests[index]) return index;
    bytes.append(chunk);
  }
  return digests.length;
}
