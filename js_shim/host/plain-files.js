/** Model files as they come from the network, each time anew. */

import { EdgeError } from "../errors.js";
import { fetchBytes } from "./network.js";

/** @import { FileOrder } from "./inference.js" */

/**
 * @param {FileOrder & {data?: Uint8Array}} file  `data`: bytes that are at hand already.
 * @returns {Promise<ArrayBuffer>}
 */
export async function read({ url, sha256, maxBytes, timeoutMs, data }) {
  if (data) return /** @type {ArrayBuffer} */ (data.slice().buffer);
  const bytes = await fetchBytes(url, maxBytes, timeoutMs);
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)),
  );
  const got = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (got !== sha256.toLowerCase()) {
    const text = `${url}: expected sha256 ${sha256}, got ${got}. Publish the file that the configuration names, or correct the digest.`;
    throw new EdgeError("digest-mismatch", text, { url, expected: sha256, got });
  }
  return /** @type {ArrayBuffer} */ (bytes.slice().buffer);
}
