/** Bytes under string keys in IndexedDB; every write is one transaction, awaited to its end. */

import { EdgeError } from "../errors.js";
import { asBytes, Database } from "./database.js";

/** @import { IDBPDatabase } from "idb" */
/** @import { Transaction } from "./database.js" */
/** @typedef {["put", string, string, Uint8Array] | ["delete", string, string] | ["clear", string]} Operation */
/** @typedef {[store: string, key: string, data?: Uint8Array | null]} Guard  Without data: nothing may be there. */

// The first key behind all texts: ours are texts, and any script of the origin may have put others.
const BEHIND_TEXTS = new Uint8Array(0);

/** One database; a connection that ended is opened again. */
export class Storage {
  /** @type {Database | undefined} */
  #database;
  #isOpen = false;

  /**
   * Open or create the database; stores that it has beside these stay.
   * @param {string} name
   * @param {string[]} stores
   * @throws {EdgeError} storage-failed
   */
  async open(name, stores) {
    this.close();
    this.#database = new Database(name, [...stores]);
    await this.#database.run(async () => {});
    this.#isOpen = true;
  }

  /**
   * @param {string} store
   * @param {string} key
   * @returns {Promise<Uint8Array | undefined>}
   */
  async get(store, key) {
    const value = await this.#opened().get(store, key);
    return value === undefined ? undefined : asBytes(value);
  }

  /**
   * Return up to `limit` records with keys after `after`, in key order.
   * @param {string} store
   * @param {string} after
   * @param {number} limit
   * @returns {Promise<[string, Uint8Array][]>}
   */
  async read(store, after, limit) {
    return this.#opened().run(async (db) => {
      const range = IDBKeyRange.bound(after, BEHIND_TEXTS, true, true);
      const tx = db.transaction(store);
      const [keys, values] = await Promise.all([
        tx.store.getAllKeys(range, limit),
        tx.store.getAll(range, limit),
        tx.done,
      ]);
      return keys.map((key, index) => [String(key), asBytes(values[index])]);
    });
  }

  /**
   * Apply all operations in one transaction and return when it has completed.
   * @param {Operation[]} operations
   * @param {"relaxed" | "strict"} durability
   * @param {Guard | null} [guard]  Looked at inside the transaction.
   * @throws {EdgeError} storage-full | storage-failed | writer-superseded; then nothing was written.
   */
  async write(operations, durability, guard) {
    const stores = [...operations.map(([, store]) => store), ...(guard ? [guard[0]] : [])];
    await this.#opened().run(async (db) => {
      if (stores.length === 0) return;
      await written(
        db.transaction([...new Set(stores)], "readwrite", { durability }),
        operations,
        guard,
      );
    });
  }

  /** Close the connection; a second call does nothing. */
  close() {
    this.#isOpen = false;
    this.#database?.close();
  }

  /**
   * Delete the database that was opened last.
   * @param {Guard | null} [guard]  Delete only if it holds; nobody else writes until the deletion is under way.
   * @param {() => Promise<boolean>} [before]  Done first, once the guard holds; false: delete nothing after all.
   * @throws {EdgeError} storage-failed | writer-superseded
   */
  async erase(guard, before = async () => true) {
    if (!guard) return this.#erase();
    /** @type {Promise<boolean> | undefined} Once, also where a cut connection has the rest repeated. */
    let preparing;
    const prepare = () => (preparing ??= before());
    /** @type {Promise<void> | undefined} */
    let deletion;
    await this.#opened().run(async (db) => {
      const tx = db.transaction([guard[0]], "readwrite");
      const refusal = await look(tx, guard, []);
      // Asked for while the transaction is open: whoever waits to take over comes behind it, and reopens.
      if (!refusal && (await keptOpen(tx, guard, prepare()))) deletion = this.#erase();
      deletion?.catch(() => {});
      await tx.done;
      if (refusal) throw refusal;
    });
    await deletion;
  }

  async #erase() {
    this.close();
    await this.#database?.erase();
  }

  #opened() {
    if (this.#database && this.#isOpen) return this.#database;
    throw new EdgeError("storage-failed", "storage: expected an open database, got none.");
  }
}

/**
 * Settle as `action` does, in a turn in which the transaction is still open.
 * @template T
 * @param {Transaction} tx
 * @param {Guard} guard
 * @param {Promise<T>} action
 * @returns {Promise<T>}
 */
async function keptOpen(tx, [store, key], action) {
  let isOver = false;
  const over = () => (isOver = true);
  action.then(over, over);
  // A transaction ends when nothing is asked of it.
  while (!isOver) await tx.objectStore(store).get(key);
  return action;
}

/**
 * Queue the look at the guard, then every operation, and wait for the end.
 * @param {Transaction} tx
 * @param {Operation[]} operations
 * @param {Guard | null} [guard]
 */
async function written(tx, operations, guard) {
  /** @type {unknown} */
  let cause;
  // An aborted transaction fails its requests too, with AbortError; only the first failure says why.
  const note = (/** @type {unknown} */ error) => {
    if (!(error instanceof DOMException && error.name === "AbortError")) cause ??= error;
  };
  const abort = (/** @type {unknown} */ error) => {
    note(error);
    tx.abort();
  };
  try {
    if (guard)
      look(tx, guard, operations)
        .then((error) => error && abort(error))
        .catch(note);
    for (const operation of operations) queue(tx, operation).catch(note);
  } catch (error) {
    // What was queued before this one would be written.
    abort(error);
  }
  // A full quota may abort the transaction without failing a request: only `done` tells for certain.
  await tx.done.catch((error) => {
    throw cause ?? error;
  });
}

/**
 * @param {Transaction} tx
 * @param {Guard} guard
 * @param {Operation[]} operations
 * @returns {Promise<EdgeError | undefined>}  Why nothing may be written.
 */
async function look(tx, [store, key, data], operations) {
  const found = await tx.objectStore(store).get(key);
  const own = operations.filter((each) => each[1] === store && each[2] === key);
  // A record of our own: this write was completed before, and its answer was lost.
  const expected = [data, ...own.map((each) => each[3])];
  if (found === undefined ? !data : expected.some((each) => each && areSame(each, asBytes(found))))
    return undefined;
  const got = found === undefined ? "none" : "another one's";
  const text = `storage write: expected this writer's record ${store}/${key}, got ${got}. Nothing was written.`;
  return new EdgeError("writer-superseded", text, { found: found !== undefined });
}

/**
 * @param {Transaction} tx
 * @param {Operation} operation
 * @returns {Promise<unknown>}
 */
function queue(tx, [kind, store, key, data]) {
  const records = tx.objectStore(store);
  if (kind === "clear") return records.clear();
  return kind === "put" ? records.put(data, key) : records.delete(key);
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
function areSame(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
