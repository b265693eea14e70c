/** Bytes under string keys in IndexedDB; every write is one transaction, awaited to its end. */

import { deleteDB, openDB } from "idb";
import { EdgeError } from "../errors.js";
import { within } from "../timers.js";
import { onceMoreIfLost } from "./lost-connection.js";

/** @import { IDBPDatabase } from "idb" */
/** @typedef {["put", string, string, Uint8Array] | ["delete", string, string]} Operation */

const OPEN_DEADLINE_MS = 5_000;
// The first key behind all texts: ours are texts, and any script of the origin may have put others.
const BEHIND_TEXTS = new Uint8Array(0);

/** One database; a connection that the browser closed is opened again, once per call. */
export class Storage {
  /** @type {Promise<IDBPDatabase> | undefined} */
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
    await this.#retried(async () => {});
  }

  /**
   * Return up to `limit` records with keys after `after`, in key order; a value that is no bytes is an empty one.
   * @param {string} store
   * @param {string} after
   * @param {number} limit
   * @returns {Promise<[string, Uint8Array][]>}
   */
  read(store, after, limit) {
    return this.#retried(async (db) => {
      const range = IDBKeyRange.bound(after, BEHIND_TEXTS, true, true);
      const tx = db.transaction(store);
      const [keys, values] = await Promise.all([
        tx.store.getAllKeys(range, limit),
        tx.store.getAll(range, limit),
      ]);
      return keys.map((key, index) => [String(key), asBytes(values[index])]);
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
    this.#db?.then(
      (db) => db.close(),
      () => {},
    );
    this.#db = undefined;
  }

  /** Delete the whole database. */
  async erase() {
    this.close();
    await inTime(`database ${this.#name}`, deleteDB(this.#name));
  }

  /** @returns {Promise<IDBPDatabase>} */
  #connection() {
    this.#db ??= this.#opened().catch((error) => {
      this.#db = undefined;
      throw error;
    });
    return this.#db;
  }

  async #opened() {
    const db = await this.#openedAt(undefined);
    if (this.#stores.every((store) => db.objectStoreNames.contains(store))) return db;
    db.close();
    return this.#openedAt(db.version + 1);
  }

  /** @param {number | undefined} version  Undefined: the one that is there. */
  async #openedAt(version) {
    const drop = () => this.close();
    const opening = openDB(this.#name, version, {
      upgrade: (db) => {
        for (const store of this.#stores)
          if (!db.objectStoreNames.contains(store)) db.createObjectStore(store);
      },
      blocking: drop,
      terminated: drop,
    });
    return inTime(`database ${this.#name}`, opening).catch((error) => {
      opening.then(
        (late) => late.close(),
        () => {},
      );
      throw error;
    });
  }

  /**
   * @template T
   * @param {(db: IDBPDatabase) => Promise<T>} action
   * @returns {Promise<T>}
   */
  async #retried(action) {
    try {
      const attempt = async () => action(await this.#connection());
      return await onceMoreIfLost(attempt, () => this.close());
    } catch (error) {
      throw failure(`database ${this.#name}`, error);
    }
  }
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
 * @param {string} where
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function inTime(where, promise) {
  const got = `none within ${OPEN_DEADLINE_MS} ms; another tab may hold it`;
  const late = () => new EdgeError("storage-failed", `${where}: expected an answer, got ${got}.`);
  return within(promise, OPEN_DEADLINE_MS, late);
}

/** @param {unknown} value */
function asBytes(value) {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
