/** AES-256-GCM with WebCrypto: `iv (12) ‖ ciphertext ‖ tag (16)` under keys that cannot be exported. */

import { EdgeError } from "../errors.js";

const IV_BYTES = 12;
const ALGORITHM = { name: "AES-GCM", length: 256 };
/** @type {KeyUsage[]} */
const SEALING = ["encrypt", "decrypt"];

/** @throws {EdgeError} feature-missing */
export function requireWebCrypto() {
  if (globalThis.crypto?.subtle) return;
  const text = "encryption: expected WebCrypto, got none. Serve the page over https.";
  throw new EdgeError("feature-missing", text);
}

/** Return a root key: it seals, and it wraps data keys. */
export function newRoot() {
  return crypto.subtle.generateKey(ALGORITHM, false, [...SEALING, "wrapKey", "unwrapKey"]);
}

/**
 * Whether a record of the database is a key as `newRoot` makes it; an older one may lack the usages for wrapping.
 * @param {unknown} value
 * @returns {value is CryptoKey}
 */
export function isRoot(value) {
  if (!(value instanceof CryptoKey) || value.extractable) return false;
  return value.algorithm.name === ALGORITHM.name && value.usages.includes("decrypt");
}

/**
 * Return a data key that cannot be exported, and its wrapped form.
 * @param {CryptoKey} root
 * @param {Uint8Array} associatedData
 * @returns {Promise<[CryptoKey, Uint8Array]>}
 */
export async function newDataKey(root, associatedData) {
  const parameters = freshParameters(associatedData);
  const raw = await crypto.subtle.generateKey(ALGORITHM, true, SEALING);
  const body = await crypto.subtle.wrapKey("raw", raw, root, parameters);
  const wrapped = joined(parameters, body);
  return [await unwrapped(root, wrapped, associatedData), wrapped];
}

/**
 * @param {CryptoKey} root
 * @param {Uint8Array} wrapped
 * @param {Uint8Array} associatedData
 * @returns {Promise<CryptoKey>}
 * @throws {EdgeError} seal-broken
 */
export async function unwrapped(root, wrapped, associatedData) {
  const [parameters, body] = split(wrapped, associatedData);
  try {
    const { subtle } = crypto;
    return await subtle.unwrapKey("raw", body, root, parameters, ALGORITHM, false, SEALING);
  } catch (error) {
    throw broken(error);
  }
}

/**
 * @param {CryptoKey} key
 * @param {Uint8Array} plaintext
 * @param {Uint8Array} associatedData
 * @returns {Promise<Uint8Array>}
 */
export async function sealed(key, plaintext, associatedData) {
  const parameters = freshParameters(associatedData);
  const data = /** @type {BufferSource} */ (plaintext);
  return joined(parameters, await crypto.subtle.encrypt(parameters, key, data));
}

/**
 * @param {CryptoKey} key
 * @param {Uint8Array} data
 * @param {Uint8Array} associatedData
 * @returns {Promise<Uint8Array>}
 * @throws {EdgeError} seal-broken
 */
export async function unsealed(key, data, associatedData) {
  const [parameters, body] = split(data, associatedData);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, body));
  } catch (error) {
    throw broken(error);
  }
}

/**
 * Whether two keys that cannot be exported are one and the same.
 * @param {CryptoKey} one
 * @param {CryptoKey} other
 * @returns {Promise<boolean>}
 */
export async function areSameKey(one, other) {
  const label = Uint8Array.of(1);
  const probe = await sealed(one, label, label);
  return unsealed(other, probe, label).then(
    () => true,
    () => false,
  );
}

/** @param {unknown} [cause] */
export function broken(cause) {
  const text =
    "sealed bytes: expected what this key sealed for this place, got other bytes. They are not used.";
  return new EdgeError("seal-broken", text, {}, cause);
}

/** @param {Uint8Array} associatedData */
function freshParameters(associatedData) {
  return parametersOf(crypto.getRandomValues(new Uint8Array(IV_BYTES)), associatedData);
}

/**
 * @param {Uint8Array<ArrayBuffer>} iv
 * @param {Uint8Array} associatedData  Never empty: unbound ciphertext could be swapped.
 */
function parametersOf(iv, associatedData) {
  if (associatedData.byteLength === 0)
    throw new RangeError("associatedData: expected bytes, got none");
  const additionalData = /** @type {BufferSource} */ (associatedData);
  return { name: ALGORITHM.name, iv, additionalData };
}

/**
 * @param {{iv: Uint8Array}} parameters
 * @param {ArrayBuffer} body
 */
function joined({ iv }, body) {
  const whole = new Uint8Array(IV_BYTES + body.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(body), IV_BYTES);
  return whole;
}

/**
 * @param {Uint8Array} whole
 * @param {Uint8Array} associatedData
 * @returns {[AesGcmParams, BufferSource]}
 */
function split(whole, associatedData) {
  const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (whole);
  return [parametersOf(bytes.subarray(0, IV_BYTES), associatedData), bytes.subarray(IV_BYTES)];
}
