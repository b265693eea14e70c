/** AES-256-GCM with keys that scripts can use but never export. */

import { openDB } from "idb";
import { EdgeError } from "../errors.js";
import { within } from "../timers.js";
import { onceMoreIfLost } from "./lost-connection.js";

const IV_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = "AES-GCM";
const OPEN_DEADLINE_MS = 5_000;

/** @import { IDBPDatabase } from "idb" */

/** Keys live as non-extractable CryptoKeys in a database of their own. */
export class Crypto {
  /** @type {Map<string, CryptoKey | undefined>} Undefined: to be looked up again. */
  #keys = new Map();
  /** @type {Promise<IDBPDatabase> | undefined} Held open to hear of its end: see `#forget`. */
  #db;
  #database;

  /** @param {string} [database] */
  constructor(database = "edge-keys") {
    this.#database = database;
  }

  /**
   * Load the key, creating it if this origin has none of that name.
   * @param {string} keyId
   * @throws {EdgeError} storage-failed | feature-missing
   */
  async ensureKey(keyId) {
    if (!globalThis.crypto?.subtle) {
      throw new EdgeError(
        "feature-missing",
        "encryption: expected WebCrypto, got none. Serve the page over https.",
      );
    }
    if (!this.#keys.get(keyId)) this.#keys.set(keyId, await this.#stored(keyId));
  }

  /**
   * @param {string} keyId
   * @param {Uint8Array} plaintext
   * @param {Uint8Array} associatedData  Never empty: unbound ciphertext could be swapped.
   * @returns {Promise<Uint8Array>}      IV (12), ciphertext, tag (16).
   */
  async seal(keyId, plaintext, associatedData) {
    if (associatedData.byteLength === 0)
      throw new RangeError("associatedData: expected bytes, got none");
    const sealed = new Uint8Array(IV_BYTES + plaintext.byteLength + TAG_BYTES);
    const iv = crypto.getRandomValues(sealed.subarray(0, IV_BYTES));
    const ciphertext = await crypto.subtle.encrypt(
      parameters(iv, associatedData),
      await this.#key(keyId),
      /** @type {BufferSource} */ (plaintext),
    );
    sealed.set(new Uint8Array(ciphertext), IV_BYTES);
    return sealed;
  }

  /**
   * @param {string} keyId
   * @param {Uint8Array} sealed
   * @param {Uint8Array} associatedData
   * @returns {Promise<Uint8Array>}
   * @throws {EdgeError} seal-broken
   */
  async unseal(keyId, sealed, associatedData) {
    const key = await this.#key(keyId);
    try {
      const iv = sealed.subarray(0, IV_BYTES);
      const ciphertext = /** @type {BufferSource} */ (sealed.subarray(IV_BYTES));
      return new Uint8Array(
        await crypto.subtle.decrypt(parameters(iv, associatedData), key, ciphertext),
      );
    } catch (error) {
      const text = `sealed bytes: expected what key ${keyId} sealed for this place, got other bytes. They are not used.`;
      throw new EdgeError("seal-broken", text, {}, error);
    }
  }

  /** @param {string} keyId */
  async #key(keyId) {
    if (!this.#keys.has(keyId)) throw new RangeError(`key ${keyId}: expected ensureKey first`);
    await this.ensureKey(keyId);
    return /** @type {CryptoKey} */ (this.#keys.get(keyId));
  }

  /** @param {string} keyId */
  async #stored(keyId) {
    const parameters = { name: ALGORITHM, length: 256 };
    const fresh = await crypto.subtle.generateKey(parameters, false, ["encrypt", "decrypt"]);
    try {
      const attempt = () => this.#storedOr(keyId, fresh);
      return await onceMoreIfLost(attempt, () => this.#forget());
    } catch (error) {
      this.#forget();
      const text = `key ${keyId}: expected IndexedDB to keep it, got ${error}.`;
      throw new EdgeError("storage-failed", text, {}, error);
    }
  }

  /**
   * Keep `fresh` unless another tab was first; one strict transaction decides.
   * @param {string} keyId
   * @param {CryptoKey} fresh
   * @returns {Promise<CryptoKey>}
   */
  async #storedOr(keyId, fresh) {
    const db = await this.#connection();
    const tx = db.transaction("keys", "readwrite", { durability: "strict" });
    const stored = await tx.store.get(keyId);
    if (stored === undefined) await tx.store.put(fresh, keyId);
    await tx.done;
    if (stored !== undefined && !(stored instanceof CryptoKey)) {
      throw new TypeError("a record that is no key");
    }
    return stored ?? fresh;
  }

  #connection() {
    this.#db ??= this.#opened();
    return this.#db;
  }

  async #opened() {
    const forget = () => this.#forget();
    const opening = openDB(this.#database, 1, {
      upgrade: (db) => void db.createObjectStore("keys"),
      blocking: forget,
      terminated: forget,
    });
    const late = () => new Error("no answer in time");
    return within(opening, OPEN_DEADLINE_MS, late).catch((error) => {
      // One that comes later has no owner, and would be in the way of whoever deletes the database.
      opening.then(
        (db) => db.close(),
        () => {},
      );
      throw error;
    });
  }

  /** The database may be gone, with the keys in it: what they seal from now on nobody could open. */
  #forget() {
    this.#db?.then(
      (db) => db.close(),
      () => {},
    );
    this.#db = undefined;
    for (const keyId of this.#keys.keys()) this.#keys.set(keyId, undefined);
  }
}

/**
 * @param {Uint8Array} iv
 * @param {Uint8Array} associatedData
 * @returns {AesGcmParams}
 */
function parameters(iv, associatedData) {
  return {
    name: ALGORITHM,
    iv: /** @type {BufferSource} */ (iv),
    additionalData: /** @type {BufferSource} */ (associatedData),
  };
}
