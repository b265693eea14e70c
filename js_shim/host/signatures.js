/** What bundles are opened with: keys that are given, not kept. */

import { EdgeError } from "../errors.js";
import { broken, requireWebCrypto, unsealed } from "./aes-gcm.js";

const KEY_BYTES = 32;
const SEALED_BYTES = 12 + 16;
const SIGNATURE_BYTES = 64;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** @type {Record<string, {importing: AlgorithmIdentifier | EcKeyImportParams, verifying: AlgorithmIdentifier | EcdsaParams, bytes: number}>} */
const ALGORITHMS = {
  ed25519: { importing: "Ed25519", verifying: "Ed25519", bytes: 32 },
  p256: {
    importing: { name: "ECDSA", namedCurve: "P-256" },
    verifying: { name: "ECDSA", hash: "SHA-256" },
    bytes: 65,
  },
};

/**
 * Whether a signature is the key's of some data; what is no key signed nothing.
 * @param {string} algorithm       `ed25519` or `p256`.
 * @param {Uint8Array} publicKey   32 bytes, or the uncompressed point.
 * @param {Uint8Array} signature   64 bytes; of P-256 r ‖ s.
 * @param {Uint8Array} data
 * @returns {Promise<boolean>}
 * @throws {EdgeError} feature-missing
 */
export async function verify(algorithm, publicKey, signature, data) {
  requireWebCrypto();
  const { importing, verifying, bytes } = ALGORITHMS[algorithm];
  if (publicKey.byteLength !== bytes || signature.byteLength !== SIGNATURE_BYTES) return false;
  if (algorithm === "ed25519" && !isReduced(signature)) return false;
  const { subtle } = crypto;
  try {
    const raw = source(publicKey);
    const key = await subtle.importKey("raw", raw, importing, false, ["verify"]);
    return await subtle.verify(verifying, key, source(signature), source(data));
  } catch (error) {
    if (isUnknown(error)) throw missing(algorithm, error);
    return false;
  }
}

/**
 * Whether an Ed25519 signature is the one spelling of itself. WebKitGTK's library takes its number plus the group's
 * order as well, which RFC 8032 (5.1.7) forbids and other engines refuse.
 * @param {Uint8Array} signature
 */
function isReduced(signature) {
  const littleEndian = signature.subarray(SIGNATURE_BYTES / 2);
  const number = littleEndian.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return number < ED25519_ORDER;
}

/**
 * Open what AES-256-GCM sealed with a key that is given.
 * @param {Uint8Array} secret
 * @param {Uint8Array} data            IV (12), ciphertext, tag (16).
 * @param {Uint8Array} associatedData
 * @returns {Promise<Uint8Array>}
 * @throws {EdgeError} seal-broken
 */
export async function unsealWith(secret, data, associatedData) {
  requireWebCrypto();
  // Other lengths are keys of other ciphers, or errors that differ by engine.
  if (secret.byteLength !== KEY_BYTES || data.byteLength < SEALED_BYTES) throw broken();
  const key = await crypto.subtle.importKey("raw", source(secret), "AES-GCM", false, ["decrypt"]);
  return unsealed(key, data, associatedData);
}

/** @param {unknown} error */
function isUnknown(error) {
  return error instanceof DOMException && error.name === "NotSupportedError";
}

/**
 * @param {string} algorithm
 * @param {unknown} cause
 */
function missing(algorithm, cause) {
  const text = `signatures: expected WebCrypto to know ${algorithm}, got an engine that does not. Sign bundles with P-256, too.`;
  return new EdgeError("feature-missing", text, { algorithm }, cause);
}

/** @param {Uint8Array} bytes */
function source(bytes) {
  return /** @type {BufferSource} */ (bytes);
}
