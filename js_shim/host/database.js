/** One IndexedDB database: opened when needed, let go of when others want it, reopened when it was cut. */

import { deleteDB, openDB } from "idb";
import { EdgeError } from "../errors.js";
import { within } from "../timers.js";
import { onceMoreIfLost } from "./lost-connection.js";

/** @import { IDBPDatabase, IDBPTransaction } from "idb" */
/** @typedef {IDBPTransaction<unknown, string[], "readwrite">} Transaction */

const DEADLINE_MS = 5_000;

/** A connection that is opened at its first use and again after it ended. */
export class Database {
  #name;
  #stores;
  #onLost;
  /** @type {Promise<IDBPDatabase> | undefined} Held open to hear of the database's end. */
  #opening;

  /**
   * @param {string} name
   * @param {string[]} stores      Added if they are not there; others stay.
   * @param {() => void} [onLost]  The connection ended without our doing: the database may be gone.
   */
  constructor(name, stores, onLost = () => {}) {
    this.#name = name;
    this.#stores = stores;
    this.#onLost = onLost;
  }

  /**
   * Run `action` on an open connection, once more on another one if its connection was cut.
   * @template T
   * @param {(db: IDBPDatabase) => Promise<T>} action  Waits for nothing but the database.
   * @returns {Promise<T>}
   * @throws {EdgeError} storage-failed | storage-full
   */
  async run(action) {
    /** @type {Promise<IDBPDatabase> | undefined} */
    let opening;
    const attempt = async () => {
      opening = this.#connection();
      return action(await opening);
    };
    try {
      return await onceMoreIfLost(attempt, () => this.#lose(opening));
    } catch (error) {
      throw failure(this.#name, error);
    }
  }

  /**
   * Return one record.
   * @param {string} store
   * @param {string} key
   * @returns {Promise<unknown>}  Undefined: there is none.
   */
  get(store, key) {
    return this.run(async (db) => {
      const tx = db.transaction(store);
      return (await Promise.all([tx.store.get(key), tx.done]))[0];
    });
  }

  /**
   * Run `action` in one strict transaction and return its value when that has completed.
   * @template T
   * @param {string[]} stores
   * @param {(tx: Transaction) => Promise<T>} action  Waits for the transaction's requests only.
   * @returns {Promise<T>}
   */
  change(stores, action) {
    return this.run(async (db) => {
      const tx = db.transaction(stores, "readwrite", { durability: "strict" });
      return (await Promise.all([action(tx), tx.done]))[0];
    });
  }

  /** Close the connection once what runs on it has ended. */
  close() {
    closeWhenOpen(this.#opening);
    this.#opening = undefined;
  }

  /**
   * Delete the whole database.
   * @throws {EdgeError} storage-failed
   */
  async erase() {
    this.close();
    try {
      await inTime(this.#name, deleteDB(this.#name));
    } catch (error) {
      throw failure(this.#name, error);
    }
  }

  #connection() {
    if (this.#opening) return this.#opening;
    /** @type {Promise<IDBPDatabase>} */
    const opening = this.#opened(() => this.#lose(opening));
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    this.#opening = opening;
    return opening;
  }

  /** @param {() => void} onEnd */
  async #opened(onEnd) {
    let db = await this.#openedAt(undefined, onEnd);
    // Meanwhile another tab may raise the version for stores of its own.
    while (!this.#stores.every((store) => db.objectStoreNames.contains(store))) {
      db.close();
      db = await this.#openedAt(db.version + 1, onEnd);
    }
    return db;
  }

  /**
   * @param {number | undefined} version  Undefined: the one that is there.
   * @param {() => void} onEnd
   */
  #openedAt(version, onEnd) {
    const opening = openDB(this.#name, version, {
      upgrade: (db) => {
        for (const store of this.#stores)
          if (!db.objectStoreNames.contains(store)) db.createObjectStore(store);
      },
      blocking: onEnd,
      terminated: onEnd,
    });
    return inTime(this.#name, opening).catch((error) => {
      // One that comes later has no owner, and would be in the way of whoever deletes the database.
      closeWhenOpen(opening);
      throw error;
    });
  }

  /** @param {Promise<IDBPDatabase> | undefined} opening */
  #lose(opening) {
    closeWhenOpen(opening);
    if (this.#opening !== opening) return;
    this.#opening = undefined;
    this.#onLost();
  }
}

/**
 * A record as bytes; what others of the origin put in its place reads as an empty one.
 * @param {unknown} value
 */
export function asBytes(value) {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

/** @param {Promise<IDBPDatabase> | undefined} opening */
function closeWhenOpen(opening) {
  opening?.then(
    (db) => db.close(),
    () => {},
  );
}

/**
 * @template T
 * @param {string} name
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function inTime(name, promise) {
  const got = `none within ${DEADLINE_MS} ms; another tab may hold it`;
  const text = `database ${name}: expected an answer, got ${got}. Close other tabs or try again.`;
  return within(promise, DEADLINE_MS, () => new EdgeError("storage-failed", text));
}

/**
 * @param {string} name
 * @param {unknown} error
 */
function failure(name, error) {
  if (error instanceof EdgeError) return error;
  if (error instanceof Error && error.name === "QuotaExceededError") {
    const text = `database ${name}: expected room to write, got a full quota. Free space or shorten the retention.`;
    return new EdgeError("storage-full", text, {}, error);
  }
  const text = `database ${name}: expected IndexedDB to answer, got ${error}. Private windows may forbid storage.`;
  return new EdgeError("storage-failed", text, {}, error);
}
