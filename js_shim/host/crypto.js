/** Keys that scripts can use but never export: roots in a database of their own, data keys wrapped by them. */

import { EdgeError } from "../errors.js";
import {
  areSameKey,
  broken,
  isRoot,
  newDataKey,
  newRoot,
  requireWebCrypto,
  sealed,
  unsealed,
  unwrapped,
} from "./aes-gcm.js";
import { asBytes, Database } from "./database.js";

/** @import { Transaction } from "./database.js" */

const KEYS = "keys";
const NOTES = "notes";

/** @typedef {{key: CryptoKey, rootId: string}} Loaded  A root key's root is itself. */

/** Root keys and notes in one database, and the keys that were loaded from or by them. */
export class Crypto {
  /** @type {Map<string, Loaded>} */
  #keys = new Map();
  /** @type {Set<string>} Ids of keys that were loaded until they were deleted, or their database. */
  #lost = new Set();
  // The database may be gone, with the roots in it: what they seal from then on nobody could open.
  #inDoubt = false;
  /** @type {Promise<void> | undefined} */
  #checking;
  #database;

  /** @param {string} [database] */
  constructor(database = "edge-keys") {
    this.#database = new Database(database, [KEYS, NOTES], () => {
      this.#inDoubt = true;
    });
  }

  /**
   * Load a root key and return whether it is there.
   * @param {string} rootId
   * @param {boolean} create  Make it if it is not there; of two tabs, both end with the first one's.
   * @throws {EdgeError} storage-failed | feature-missing
   */
  async openRoot(rootId, create) {
    requireWebCrypto();
    await this.#checked();
    if (this.#keys.has(rootId)) return true;
    // A new beginning: what is not loaded from here on is unknown.
    this.#lost.clear();
    let key = await this.#database.get(KEYS, rootId);
    if (key === undefined && create) key = await this.#storedOr(rootId, await newRoot());
    if (key === undefined) return false;
    if (!isRoot(key)) throw foreign(rootId);
    if (!this.#keys.has(rootId)) this.#keys.set(rootId, { key, rootId });
    return true;
  }

  /**
   * Destroy a root key and what it wrapped.
   * @param {string} rootId
   */
  async deleteRoot(rootId) {
    await this.#database.change([KEYS], (tx) => tx.objectStore(KEYS).delete(rootId));
    this.#lose(rootId);
  }

  /**
   * Make a data key and return its wrapped form.
   * @param {string} keyId
   * @param {string} rootId
   * @param {Uint8Array} associatedData
   */
  async createKey(keyId, rootId, associatedData) {
    const root = await this.#key(rootId);
    const [key, wrapped] = await newDataKey(root, associatedData);
    this.#load(keyId, { key, rootId }, root);
    return wrapped;
  }

  /**
   * @param {string} keyId
   * @param {string} rootId
   * @param {Uint8Array} wrapped
   * @param {Uint8Array} associatedData
   * @throws {EdgeError} seal-broken
   */
  async loadKey(keyId, rootId, wrapped, associatedData) {
    const root = await this.#key(rootId);
    const key = await unwrapped(root, wrapped, associatedData);
    this.#load(keyId, { key, rootId }, root);
  }

  /**
   * @param {string} keyId
   * @param {Uint8Array} plaintext
   * @param {Uint8Array} associatedData  Never empty: unbound ciphertext could be swapped.
   * @returns {Promise<Uint8Array>}      IV (12), ciphertext, tag (16).
   */
  async seal(keyId, plaintext, associatedData) {
    return sealed(await this.#key(keyId), plaintext, associatedData);
  }

  /**
   * @param {string} keyId
   * @param {Uint8Array} data
   * @param {Uint8Array} associatedData
   * @returns {Promise<Uint8Array>}
   * @throws {EdgeError} seal-broken
   */
  async unseal(keyId, data, associatedData) {
    await this.#checked();
    // The id may come from damaged bytes: an unknown one is another key.
    if (!this.#keys.has(keyId) && !this.#lost.has(keyId)) throw broken();
    return unsealed(await this.#key(keyId), data, associatedData);
  }

  /**
   * @param {string} name
   * @returns {Promise<Uint8Array | undefined>}
   */
  async readNote(name) {
    const value = await this.#database.get(NOTES, name);
    return value === undefined ? undefined : asBytes(value);
  }

  /**
   * Keep a note; durable when this returns.
   * @param {string} name
   * @param {Uint8Array} data
   */
  async writeNote(name, data) {
    await this.#database.change([NOTES], (tx) => tx.objectStore(NOTES).put(data, name));
  }

  /** Destroy every root key and note, and delete their database. */
  async erase() {
    const clear = (/** @type {Transaction} */ tx) =>
      Promise.all([tx.objectStore(KEYS).clear(), tx.objectStore(NOTES).clear()]);
    // A tab that does not let go of the database delays its end; the keys are gone all the same.
    await this.#database.change([KEYS, NOTES], clear).catch(() => {});
    for (const rootId of this.#rootIds()) this.#lose(rootId);
    await this.#database.erase();
  }

  /**
   * @param {string} keyId
   * @throws {EdgeError} storage-failed
   */
  async #key(keyId) {
    await this.#checked();
    const loaded = this.#keys.get(keyId);
    if (loaded) return loaded.key;
    const got = this.#lost.has(keyId) ? "none: the key's database was deleted" : "none";
    const text = `key ${keyId}: expected a loaded key, got ${got}. Load or make it first.`;
    throw new EdgeError("storage-failed", text);
  }

  /**
   * @param {string} keyId
   * @param {Loaded} loaded
   * @param {CryptoKey} root  What it was unwrapped with; it may be lost by now.
   */
  #load(keyId, loaded, root) {
    if (this.#keys.get(loaded.rootId)?.key === root) this.#keys.set(keyId, loaded);
    else this.#lost.add(keyId);
  }

  /** Return when it is certain that the loaded roots are the stored ones. */
  async #checked() {
    if (this.#inDoubt) this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    await this.#checking;
  }

  async #check() {
    this.#inDoubt = false;
    try {
      for (const rootId of this.#rootIds()) {
        const stored = await this.#database.get(KEYS, rootId);
        const loaded = this.#keys.get(rootId);
        if (loaded && isRoot(stored) && (await areSameKey(loaded.key, stored))) continue;
        this.#lose(rootId);
      }
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
  }

  /** @param {string} rootId */
  #lose(rootId) {
    for (const [keyId, loaded] of this.#keys) {
      if (loaded.rootId !== rootId) continue;
      this.#keys.delete(keyId);
      this.#lost.add(keyId);
    }
  }

  #rootIds() {
    return [...this.#keys].filter(([id, { rootId }]) => id === rootId).map(([id]) => id);
  }

  /**
   * @param {string} rootId
   * @param {CryptoKey} fresh  Kept unless another tab was first; one transaction decides.
   * @returns {Promise<unknown>}
   */
  #storedOr(rootId, fresh) {
    return this.#database.change([KEYS], async (tx) => {
      const stored = await tx.objectStore(KEYS).get(rootId);
      if (stored !== undefined) return stored;
      await tx.objectStore(KEYS).put(fresh, rootId);
      return fresh;
    });
  }
}

/** @param {string} rootId */
function foreign(rootId) {
  const text = `key ${rootId}: expected a key that cannot be exported, got a record that is no key. Remove it or the site's data.`;
  return new EdgeError("storage-failed", text);
}
