/**
 * Model files that are published sealed: AES-256-GCM in chunks, see docs/reference.md.
 *
 * Who ships the key beside the file hides it from a look into the network or the disk, not from whoever reads the page:
 * that is obfuscation.
 */

import { EdgeError } from "../errors.js";
import { unsealed } from "./aes-gcm.js";
import { resized } from "./model-bytes.js";

const MAGIC = "EDGEMDL\x01";
const HEADER_BYTES = 36;
// IV and tag.
const ADDED_BYTES = 12 + 16;

/**
 * Open a sealed file inside its own buffer; beside that it takes the memory of about one chunk.
 * @param {ArrayBuffer} buffer  Must not be used again.
 * @param {Uint8Array} rawKey   32 bytes.
 * @param {string} url          For the message.
 * @returns {Promise<ArrayBuffer>}
 * @throws {EdgeError} seal-broken
 */
export async function openSealed(buffer, rawKey, url) {
  const { header, plainBytes, chunkBytes } = layoutOf(buffer, url);
  const key = await imported(rawKey, url);
  const whole = new Uint8Array(buffer);
  const count = Math.max(1, Math.ceil(plainBytes / chunkBytes));
  for (let index = 0; index < count; index += 1) {
    const start = HEADER_BYTES + index * (chunkBytes + ADDED_BYTES);
    const sealed = whole.subarray(start, start + chunkBytes + ADDED_BYTES);
    const place = placeOf(header, index, index === count - 1);
    const plain = await unsealed(key, sealed, place).catch(() => {
      throw broken(url, `chunk ${index} of ${count} that this key did not seal for this place`);
    });
    // Always before the next sealed chunk.
    whole.set(plain, index * chunkBytes);
  }
  return resized(buffer, plainBytes);
}

/**
 * @param {ArrayBuffer} buffer
 * @param {string} url
 */
function layoutOf(buffer, url) {
  // The file is overwritten from its beginning.
  const header = new Uint8Array(buffer.slice(0, HEADER_BYTES));
  const magic = String.fromCharCode(...header.subarray(0, MAGIC.length));
  if (header.byteLength < HEADER_BYTES || magic !== MAGIC)
    throw broken(url, "a file that is not sealed, or of a later version");
  const fields = new DataView(header.buffer);
  const plainBytes = Number(fields.getBigUint64(8, true));
  const chunkBytes = fields.getUint32(16, true);
  const count = Math.max(1, Math.ceil(plainBytes / chunkBytes));
  const expected = HEADER_BYTES + plainBytes + count * ADDED_BYTES;
  if (chunkBytes === 0 || buffer.byteLength !== expected)
    throw broken(url, `${buffer.byteLength} bytes where its header names ${expected}`);
  return { header, plainBytes, chunkBytes };
}

/**
 * What binds a chunk to its place in its file.
 * @param {Uint8Array} header
 * @param {number} index
 * @param {boolean} isLast
 */
function placeOf(header, index, isLast) {
  const place = new Uint8Array(HEADER_BYTES + 5);
  place.set(header);
  new DataView(place.buffer).setUint32(HEADER_BYTES, index, true);
  place[HEADER_BYTES + 4] = isLast ? 1 : 0;
  return place;
}

/**
 * @param {Uint8Array} rawKey
 * @param {string} url
 */
async function imported(rawKey, url) {
  if (rawKey.byteLength !== 32) throw broken(url, `a key of ${rawKey.byteLength} bytes`);
  const raw = /** @type {BufferSource} */ (rawKey);
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
}

/**
 * @param {string} url
 * @param {string} got
 */
function broken(url, got) {
  const text = `model ${url}: expected a file sealed under the given 32-byte key, got ${got}. Seal it again with web-runtime seal-model, or correct the key.`;
  return new EdgeError("seal-broken", text, { url });
}
