/** Bytes under string keys in IndexedDB; every write is one transaction, awaited to its end. */

import { openDB } from "idb";
import { EdgeError } from "../errors.js";

/** @import { IDBPDatabase } from "idb" */
/** @typedef {["put", string, string, Uint8Array] | ["delete", string, string]} Operation */

const OPEN_DEADLINE_MS = 5_000;

/** One database; a connection that the browser closed is opened again, once per call. */
export class Storage {
  /** @type {IDBPDatabase | undefined} */
  #db;
  #name = "";
  /** @type {string[]} */
  #stores = [];

  /**
   * Open or create the database.
   * @param {string} name
   * @param {string[]} stores
   * @throws {EdgeError} storage-failed
   */
  async open(name, stores) {
    this.#name = name;
    this.#stores = [...stores];
    await this.#connection();
  }

  /**
   * Return up to `limit` records with keys after `after`, in key order.
   * @param {string} store
   * @param {string} after
   * @param {number} limit
   * @returns {Promise<[string, Uint8Array][]>}
   */
  read(store, after, limit) {
    return this.#retried(async (db) => {
      const range = after === "" ? null : IDBKeyRange.lowerBound(after, true);
      const tx = db.transaction(store);
      const [keys, values] = await Promise.all([
        tx.store.getAllKeys(range, limit),
        tx.store.getAll(range, limit),
      ]);
      return keys.map((key, index) => [String(key), values[index]]);
    });
  }

  /**
   * Apply all operations in one transaction and return when it has completed.
   * @param {Operation[]} operations
   * @param {"relaxed" | "strict"} durability
   * @throws {EdgeError} storage-full | storage-failed; then nothing was written.
   */
  write(operations, durability) {
    return this.#retried(async (db) => {
      const stores = [...new Set(operations.map(([, store]) => store))];
      if (stores.length === 0) return;
      const tx = db.transaction(stores, "readwrite", { durability });
      // A quota failure aborts the transaction and may never reach the request: only `done` tells.
      for (const [kind, store, key, data] of operations) {
        const request =
          kind === "put" ? tx.objectStore(store).put(data, key) : tx.objectStore(store).delete(key);
        request.catch(() => {});
      }
      await tx.done;
    });
  }

  /** Close the connection; a second call does nothing. */
  close() {
    this.#db?.close();
    this.#db = undefined;
  }

  /** Delete the whole database. */
  async erase() {
    this.close();
    await settled("erase", indexedDB.deleteDatabase(this.#name));
  }

  async #connection() {
    this.#db ??= await this.#opened();
    return this.#db;
  }

  async #opened() {
    const drop = () => this.close();
    const opening = openDB(this.#name, 1, {
      upgrade: (db) => {
        for (const store of this.#stores) db.createObjectStore(store);
      },
      blocking: drop,
      terminated: drop,
    });
    const db = await within(OPEN_DEADLINE_MS, opening).catch((error) => {
      opening.then(
        (late) => late.close(),
        () => {},
      );
      throw failure(`database ${this.#name}`, error);
    });
    return db;
  }

  /**
   * @template T
   * @param {(db: IDBPDatabase) => Promise<T>} action
   * @returns {Promise<T>}
   */
  async #retried(action) {
    try {
      return await action(await this.#connection());
    } catch (error) {
      if (!isLostConnection(error)) throw failure(this.#name, error);
    }
    // The handle is dead for good (Safari closes connections at will): drop it, never reuse it.
    this.close();
    try {
      return await action(await this.#connection());
    } catch (error) {
      throw failure(this.#name, error);
    }
  }
}

/** @param {unknown} error */
function isLostConnection(error) {
  return (
    error instanceof DOMException && ["InvalidStateError", "UnknownError"].includes(error.name)
  );
}

/**
 * @param {string} where
 * @param {unknown} error
 */
function failure(where, error) {
  if (error instanceof EdgeError) return error;
  const name = error instanceof Error ? error.name : "";
  if (name === "QuotaExceededError") {
    const text = `${where}: expected room to write, got a full quota. Free space or shorten the retention.`;
    return new EdgeError("storage-full", text, {}, error);
  }
  const text = `${where}: expected IndexedDB to answer, got ${error}. Private windows may forbid storage.`;
  return new EdgeError("storage-failed", text, {}, error);
}

/**
 * @template T
 * @param {number} deadlineMs
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function within(deadlineMs, promise) {
  return new Promise((resolve, reject) => {
    const expire = () =>
      reject(new Error(`no answer within ${deadlineMs} ms (blocked by another tab?)`));
    const timer = setTimeout(expire, deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * @param {string} what
 * @param {IDBOpenDBRequest} request
 */
function settled(what, request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(undefined);
    request.onerror = () => reject(failure(what, request.error));
  });
}
