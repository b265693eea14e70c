/** Downloads with a size cap and a deadline. */

import { EdgeError } from "../errors.js";

/**
 * GET a body.
 * @param {string} url
 * @param {number} maxBytes
 * @param {number} timeoutMs
 * @param {boolean} [isFresh]  Ask the server, whatever the HTTP cache holds.
 * @returns {Promise<Uint8Array>}
 * @throws {EdgeError} network-failed with details `url` and `status` (null when unreachable).
 */
export async function fetchBytes(url, maxBytes, timeoutMs, isFresh = false) {
  const failed = (/** @type {string} */ what, /** @type {number | null} */ status) =>
    new EdgeError("network-failed", `${url}: ${what}`, { url, status });
  /** @type {Response | undefined} */
  let response;
  try {
    const cache = isFresh ? "no-cache" : "default";
    response = await fetch(url, { cache, signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) {
      throw failed(
        `expected status 200, got ${response.status}. Check the address.`,
        response.status,
      );
    }
    return await readCapped(response, maxBytes, failed);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const got = late ? `nothing complete after ${timeoutMs} ms` : `no connection (${error})`;
    throw failed(
      `expected a response, got ${got}. Try again when online.`,
      response?.status ?? null,
    );
  }
}

/**
 * Read a body in chunks so that an endless one is dropped at the cap.
 * @param {Response} response
 * @param {number} maxBytes
 * @param {(what: string, status: number | null) => EdgeError} failed
 */
async function readCapped(response, maxBytes, failed) {
  /** @type {Uint8Array[]} */
  const chunks = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      await reader?.cancel();
      throw failed(`expected at most ${maxBytes} bytes, got more.`, response.status);
    }
    chunks.push(part.value);
  }
  return concatenated(chunks, size);
}

/**
 * @param {Uint8Array[]} chunks
 * @param {number} size
 */
function concatenated(chunks, size) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
