/** Room in the origin's quota for one more file: those that were not read for longest go first. */

import { EdgeError } from "../errors.js";
import { ifUnread } from "./model-lock.js";

/** @import { Locks } from "./model-lock.js" */
/** @import { ModelStore } from "./model-store.js" */
/** @typedef {Pick<ModelStore, "list" | "find" | "chunk" | "add" | "touch" | "drop" | "erase">} Store */
/** @typedef {() => Promise<StorageEstimate>} Estimate */

// Of the quota; what pages write is worth more than what can be fetched again.
const LEFT_FREE = 0.05;

export class Room {
  /** How many files had to go. */
  evicted = 0;
  #store;
  #locks;
  #estimate;
  #isRead;

  /**
   * @param {Store} store
   * @param {Locks | null} locks
   * @param {Estimate | null} estimate
   * @param {(key: string) => boolean} isRead  Whether this worker reads the file at this moment.
   */
  constructor(store, locks, estimate, isRead) {
    this.#store = store;
    this.#locks = locks;
    this.#estimate = estimate;
    this.#isRead = isRead;
  }

  /**
   * Make room for so many bytes, going by what the browser says of its quota.
   * @param {number} neededBytes
   * @throws {EdgeError} storage-full; then nothing went.
   */
  async reserve(neededBytes) {
    const estimated = await this.#estimate?.().catch(() => undefined);
    const { quota = Infinity, usage = 0 } = estimated ?? {};
    const missingBytes = neededBytes + usage - quota * (1 - LEFT_FREE);
    if (missingBytes > 0 && !(await this.#free(missingBytes))) throw full(neededBytes, quota);
  }

  /**
   * Write; where the quota refuses, make room for so many bytes and write once more.
   * @param {() => Promise<void>} write
   * @param {number} neededBytes
   * @throws {EdgeError} storage-full | storage-failed
   */
  async written(write, neededBytes) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof EdgeError) || error.code !== "storage-full") throw error;
      if (!(await this.#free(neededBytes))) throw error;
    }
    await write();
  }

  /**
   * @param {number} bytes
   * @returns {Promise<boolean>} False: all that may go is less than that, and nothing went.
   */
  async #free(bytes) {
    const files = (await this.#store.list()).filter(([key]) => !this.#isRead(key));
    if (files.reduce((sum, [, record]) => sum + record.bytes, 0) < bytes) return false;
    files.sort(([, one], [, other]) => one.usedMs - other.usedMs);
    let freedBytes = 0;
    for (const [key, record] of files) {
      if (freedBytes >= bytes) break;
      if (!(await ifUnread(this.#locks, key, () => this.#store.drop(key)))) continue;
      this.evicted += 1;
      freedBytes += record.bytes;
    }
    return freedBytes >= bytes;
  }
}

/**
 * @param {number} neededBytes
 * @param {number} quotaBytes
 */
function full(neededBytes, quotaBytes) {
  const text = `model files: expected room for ${neededBytes} bytes, got less in a quota of ${quotaBytes}. The file is used without being kept.`;
  return new EdgeError("storage-full", text);
}
