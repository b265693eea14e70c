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
  const failed = failureOf(url);
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
    throw explained(error, timeoutMs, failed, response?.status);
  }
}

/**
 * @typedef {object} Order
 * @property {string} url
 * @property {string} method
 * @property {Record<string, string>} headers
 * @property {Uint8Array<ArrayBuffer> | null} body
 * @property {number} maxBytes  Of the answer's body.
 * @property {number} timeoutMs
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} headers  By lower-case name.
 * @property {Uint8Array} body
 */

/**
 * Send a request that says nothing of the user, and follow no redirect: it could lead anywhere.
 * @param {Order} order
 * @returns {{answer: Promise<Answer>, abort: () => void}}  The answer fails as `fetchBytes` does, but any status is one.
 */
export function request({ url, method, headers, body, maxBytes, timeoutMs }) {
  const ending = new AbortController();
  const late = () => ending.abort(new DOMException("too late", "TimeoutError"));
  const timer = setTimeout(late, timeoutMs);
  const options = /** @type {RequestInit} */ ({ method, headers, body, ...ALONE });
  const sending = answered(url, { ...options, signal: ending.signal }, maxBytes, timeoutMs);
  return { answer: sending.finally(() => clearTimeout(timer)), abort: () => ending.abort() };
}

/** @type {RequestInit} */
const ALONE = {
  credentials: "omit",
  redirect: "error",
  referrerPolicy: "no-referrer",
  cache: "no-store",
};

/**
 * @param {string} url
 * @param {RequestInit} options
 * @param {number} maxBytes
 * @param {number} timeoutMs
 * @returns {Promise<Answer>}
 */
async function answered(url, options, maxBytes, timeoutMs) {
  const failed = failureOf(url);
  /** @type {Response | undefined} */
  let response;
  try {
    response = await fetch(url, options);
    const body = await readCapped(response, maxBytes, failed);
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  } catch (error) {
    throw explained(error, timeoutMs, failed, response?.status);
  }
}

/** @typedef {(what: string, status: number | null) => EdgeError} Failed */

/**
 * @param {string} url
 * @returns {Failed}
 */
function failureOf(url) {
  return (what, status) => new EdgeError("network-failed", `${url}: ${what}`, { url, status });
}

/**
 * @param {unknown} error
 * @param {number} timeoutMs
 * @param {Failed} failed
 * @param {number} [status]
 */
function explained(error, timeoutMs, failed, status) {
  if (error instanceof EdgeError) return error;
  const late = error instanceof DOMException && error.name === "TimeoutError";
  const got = late ? `nothing complete after ${timeoutMs} ms` : `no connection (${error})`;
  return failed(`expected a response, got ${got}. Try again when online.`, status ?? null);
}

/**
 * Read a body in chunks so that an endless one is dropped at the cap.
 * @param {Response} response
 * @param {number} maxBytes
 * @param {Failed} failed
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
