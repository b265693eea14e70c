/**
 * Files in chunks in IndexedDB. A file's record is written with each of its chunks and says last that it is complete,
 * so what was broken off is never taken for a file.
 */

import { asBytes, Database } from "./database.js";

/** @import { Transaction } from "./database.js" */

const FILES = "files";
const CHUNKS = "chunks";

/**
 * @typedef {object} FileRecord
 * @property {boolean} isComplete        Its SHA-256 was right.
 * @property {number} bytes              In all its chunks.
 * @property {number} chunkBytes         Size of each chunk but the last one.
 * @property {string[]} digests          SHA-256 of each chunk, hex digits.
 * @property {number | null} totalBytes  While it is not complete: the size that the server tells.
 * @property {string | null} validator   And what it knows this version of the file by.
 * @property {number} usedMs             When it was read last, Unix time.
 */

/** The seam that tests put a store in memory at; keys are the files' SHA-256. */
export class ModelStore {
  #database;

  /** @param {string} name */
  constructor(name) {
    this.#database = new Database(name, [FILES, CHUNKS]);
  }

  /** @returns {Promise<[string, FileRecord][]>} */
  async list() {
    return this.#database.run(async (db) => {
      const tx = db.transaction(FILES);
      const [keys, records] = await Promise.all([
        tx.store.getAllKeys(),
        tx.store.getAll(),
        tx.done,
      ]);
      return keys.map((key, index) => [String(key), asRecord(records[index])]);
    });
  }

  /**
   * @param {string} key
   * @returns {Promise<FileRecord | undefined>}
   */
  async find(key) {
    const found = await this.#database.get(FILES, key);
    return found === undefined ? undefined : asRecord(found);
  }

  /**
   * @param {string} key
   * @param {number} index
   * @returns {Promise<Uint8Array>}  Empty where there is none.
   */
  async chunk(key, index) {
    return asBytes(await this.#database.get(CHUNKS, chunkKey(key, index)));
  }

  /**
   * Keep one more chunk; the record has its digest. A complete file stays as it is: another tab was first.
   * @param {string} key
   * @param {FileRecord} record
   * @param {Uint8Array} [chunk]  The last one, in a buffer of its own; none: the record alone.
   * @throws {EdgeError} storage-full | storage-failed
   */
  async add(key, record, chunk) {
    const durability = record.isComplete ? "strict" : "relaxed";
    await this.#change(durability, async (tx) => {
      const files = tx.objectStore(FILES);
      if (!record.isComplete && asRecord(await files.get(key)).isComplete) return;
      const last = chunkKey(key, record.digests.length - 1);
      if (chunk) tx.objectStore(CHUNKS).put(chunk, last).catch(ignored);
      files.put(record, key).catch(ignored);
    });
  }

  /**
   * Note that a file was read.
   * @param {string} key
   * @param {number} usedMs
   */
  async touch(key, usedMs) {
    await this.#change("relaxed", async (tx) => {
      const files = tx.objectStore(FILES);
      const record = await files.get(key);
      if (record) files.put({ ...record, usedMs }, key).catch(ignored);
    });
  }

  /** @param {string} key */
  async drop(key) {
    await this.#change("relaxed", async (tx) => {
      tx.objectStore(FILES).delete(key).catch(ignored);
      // Of a damaged record the number of chunks is not known.
      tx.objectStore(CHUNKS)
        .delete(IDBKeyRange.bound(`${key}/`, `${key}/~`))
        .catch(ignored);
    });
  }

  /** Delete the whole database. */
  erase() {
    return this.#database.erase();
  }

  /**
   * @param {IDBTransactionDurability} durability
   * @param {(tx: Transaction) => Promise<void>} queue
   */
  #change(durability, queue) {
    return this.#database.run(async (db) => {
      const tx = db.transaction([FILES, CHUNKS], "readwrite", { durability });
      queue(tx).catch(ignored);
      // A full quota aborts the transaction, and its requests fail with AbortError: only `done` tells why.
      await tx.done;
    });
  }
}

function ignored() {}

/**
 * @param {string} key
 * @param {number} index
 */
function chunkKey(key, index) {
  return `${key}/${String(index).padStart(6, "0")}`;
}

/**
 * What others of the origin put in a record's place reads as a file of nothing that is not complete.
 * @param {any} value
 * @returns {FileRecord}
 */
function asRecord(value) {
  const digests = Array.isArray(value?.digests) ? value.digests.map(String) : [];
  return {
    isComplete: value?.isComplete === true && digests.length > 0,
    bytes: Number(value?.bytes) || 0,
    chunkBytes: Number(value?.chunkBytes) || 0,
    digests,
    totalBytes: typeof value?.totalBytes === "number" ? value.totalBytes : null,
    validator: typeof value?.validator === "string" ? value.validator : null,
    usedMs: Number(value?.usedMs) || 0,
  };
}
