/** One file's bytes in one buffer, as they come, and their digest. */

import { sha256 as scripted } from "@noble/hashes/sha2.js";

/** Of the right size at once where `reserve` is told it; else it grows. */
export class ModelBytes {
  #buffer = new ArrayBuffer(0);
  length = 0;

  /** @returns {Uint8Array<ArrayBuffer>} What is there; no copy. */
  get view() {
    return new Uint8Array(this.#buffer, 0, this.length);
  }

  /** @param {number} sizeBytes */
  reserve(sizeBytes) {
    if (sizeBytes > this.#buffer.byteLength) this.#buffer = resized(this.#buffer, sizeBytes);
  }

  /** @param {Uint8Array} part */
  append(part) {
    const length = this.length + part.byteLength;
    if (length > this.#buffer.byteLength)
      this.reserve(Math.max(length, 2 * this.#buffer.byteLength));
    new Uint8Array(this.#buffer).set(part, this.length);
    this.length = length;
  }

  clear() {
    this.length = 0;
  }

  /** Hand over exactly these bytes; nothing is left here. */
  take() {
    const buffer = resized(this.#buffer, this.length);
    this.#buffer = new ArrayBuffer(0);
    this.length = 0;
    return buffer;
  }
}

/**
 * The same bytes with another size. The old buffer must not be used again: where the browser can, it is moved and not
 * copied, so that a file is not held twice.
 * @param {ArrayBuffer} buffer
 * @param {number} sizeBytes
 * @returns {ArrayBuffer}
 */
export function resized(buffer, sizeBytes) {
  if (buffer.byteLength === sizeBytes) return buffer;
  if (typeof buffer.transfer === "function") return buffer.transfer(sizeBytes);
  if (sizeBytes < buffer.byteLength) return buffer.slice(0, sizeBytes);
  const copy = new Uint8Array(sizeBytes);
  copy.set(new Uint8Array(buffer));
  return copy.buffer;
}

/**
 * The browser's own digest, which pages without TLS do not have; a script's takes five times as long.
 * @param {Uint8Array} bytes
 * @returns {Promise<string>} Lower-case hex digits.
 */
export async function sha256(bytes) {
  const source = /** @type {BufferSource} */ (bytes);
  const digest = await (globalThis.crypto?.subtle?.digest("SHA-256", source) ?? scripted(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
