/** One file over connections that break: goes on where the last one stopped, as long as they bring something new. */

import { EdgeError } from "../errors.js";
import { createPause, within } from "../timers.js";
import { ModelBytes } from "./model-bytes.js";

/** @import { Timers } from "../timers.js" */
/** @typedef {{url: string, maxBytes: number, timeoutMs: number}} Source  `timeoutMs` counts silence, not the whole. */
/** @typedef {{fetch: typeof fetch, timers: Timers}} Network */
/** @typedef {{totalBytes: number | null, validator: string | null}} Origin  What is known of the file at its server. */

/**
 * @typedef {object} Hooks
 * @property {() => Promise<void>} more  Bytes came.
 * @property {() => Promise<void>} anew  All that came before is void.
 * @property {() => RequestCache} cache
 */

// In a row, that brought nothing beyond what was there before.
const ATTEMPTS = 4;
const BACKOFF_MS = 500;
const PASSING = [408, 425, 429, 500, 502, 503, 504];

/** The connection ended before the file did; what came of it stays. */
class Cut extends Error {
  /**
   * @param {string} got
   * @param {number | null} [status]
   */
  constructor(got, status = null) {
    super(got);
    this.status = status;
  }
}

/** The bytes, and what is known of the file they are of. */
export class Download {
  bytes = new ModelBytes();
  /** @type {number | null} */
  totalBytes = null;
  /** @type {string | null} For If-Range: a strong ETag or a date. */
  validator = null;
  /** Whether the bytes are of more than one response, so that they may be of two versions of the file. */
  isPieced = false;
  #source;
  #network;

  /**
   * @param {Source} source
   * @param {Network} network
   */
  constructor(source, network) {
    this.#source = source;
    this.#network = network;
  }

  /**
   * Go on behind bytes that an earlier download kept.
   * @param {ModelBytes} bytes
   * @param {Origin} origin
   */
  goOn(bytes, { totalBytes, validator }) {
    Object.assign(this, { bytes, totalBytes, validator, isPieced: true });
  }

  /**
   * Fetch what is missing.
   * @param {Hooks} hooks
   * @throws {EdgeError} network-failed with details `url` and `status` (null when unreachable).
   */
  async run(hooks) {
    const pause = createPause(this.#network.timers);
    let furthest = this.bytes.length;
    for (let failures = 0; this.#isMissingBytes();) {
      try {
        return await this.#attempt(hooks, failures === ATTEMPTS - 1);
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
        failures = this.bytes.length > furthest ? 1 : failures + 1;
        furthest = Math.max(furthest, this.bytes.length);
        if (failures === ATTEMPTS || globalThis.navigator?.onLine === false)
          throw this.#failed(error.message, error.status);
        await pause.wait(BACKOFF_MS * 2 ** (failures - 1));
      }
    }
  }

  /**
   * Throw away what came and fetch it in one piece.
   * @param {Hooks} hooks
   */
  async runAnew(hooks) {
    await this.#begin(hooks);
    await this.run(hooks);
  }

  #isMissingBytes() {
    return this.totalBytes === null || this.bytes.length < this.totalBytes;
  }

  /**
   * @param {Hooks} hooks
   * @param {boolean} isLast
   */
  async #attempt(hooks, isLast) {
    const { fetch } = this.#network;
    const ending = new AbortController();
    // Another origin's server shows no validator, and a Range that it forbids looks like a cut.
    const headers = isLast && !this.validator ? {} : this.#headers();
    try {
      const init = { headers, cache: hooks.cache(), signal: ending.signal };
      const response = await this.#heard(fetch(this.#source.url, init), null);
      await this.#accept(response, hooks);
      await this.#read(response, hooks);
    } finally {
      ending.abort();
    }
  }

  /** @returns {Record<string, string>} */
  #headers() {
    if (this.bytes.length === 0) return {};
    const range = `bytes=${this.bytes.length}-`;
    return this.validator ? { Range: range, "If-Range": this.validator } : { Range: range };
  }

  /**
   * @param {Response} response
   * @param {Hooks} hooks
   */
  async #accept(response, hooks) {
    const { status } = response;
    const goesOn = status === 206 && this.#continues(response);
    if (PASSING.includes(status)) throw new Cut(`status ${status}`, status);
    if (!goesOn && this.bytes.length > 0 && [200, 206, 416].includes(status))
      await this.#begin(hooks);
    if (goesOn) this.isPieced = true;
    else if (status !== 200)
      throw status === 416 || status === 206
        ? new Cut(`status ${status} for another part`, status)
        : this.#failed(`status ${status}`, status);
    this.#learn(response);
  }

  /** @param {Response} response */
  #continues(response) {
    const from = this.bytes.length;
    const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
    const size = sizeOf(response, from);
    // Servers of other origins may keep the range to themselves; the digest has the last word.
    return (
      from > 0 &&
      (start ? Number(start[1]) === from : response.type === "cors") &&
      (this.totalBytes === null || size === null || size === this.totalBytes)
    );
  }

  /** @param {Response} response */
  #learn(response) {
    const isForeign = response.type === "cors";
    // If-Range would cost a preflight there, which few servers answer.
    this.validator = isForeign ? null : validatorOf(response);
    const size = sizeOf(response, this.bytes.length);
    this.#check(size ?? 0, response.status);
    if (size !== null) this.bytes.reserve(size);
    // Another origin may hide that it compresses, so its length is a hint.
    this.totalBytes = isForeign ? null : size;
  }

  /**
   * @param {Response} response
   * @param {Hooks} hooks
   */
  async #read(response, hooks) {
    const reader = response.body?.getReader();
    const next = () => this.#heard(Promise.resolve(reader?.read()), response.status);
    for (let part = await next(); part && !part.done; part = await next()) {
      this.#check(this.bytes.length + part.value.byteLength, response.status);
      this.bytes.append(part.value);
      await hooks.more();
    }
    if (this.totalBytes !== null && this.#isMissingBytes())
      throw new Cut(`${this.bytes.length} of ${this.totalBytes} bytes`, response.status);
  }

  /** @param {Hooks} hooks */
  async #begin(hooks) {
    this.bytes.clear();
    Object.assign(this, { totalBytes: null, validator: null, isPieced: false });
    await hooks.anew();
  }

  /**
   * @template T
   * @param {Promise<T>} promise  Of the network.
   * @param {number | null} status
   * @returns {Promise<T>}
   */
  async #heard(promise, status) {
    const { timeoutMs } = this.#source;
    const silent = () => new Cut(`nothing for ${timeoutMs} ms`, status);
    try {
      return await within(promise, timeoutMs, silent, this.#network.timers);
    } catch (error) {
      throw error instanceof Cut ? error : new Cut(`no connection (${error})`, status);
    }
  }

  /**
   * @param {number} sizeBytes
   * @param {number} status
   */
  #check(sizeBytes, status) {
    const { maxBytes } = this.#source;
    if (sizeBytes > maxBytes) throw this.#failed(`more than ${maxBytes} bytes`, status);
  }

  /**
   * @param {string} got
   * @param {number | null} status
   */
  #failed(got, status) {
    const { url, maxBytes } = this.#source;
    const remedy = status === null ? "Try again when online." : "Check the address and the file.";
    const text = `${url}: expected a whole file of at most ${maxBytes} bytes, got ${got}. ${remedy}`;
    return new EdgeError("network-failed", text, { url, status });
  }
}

/**
 * The whole file's size, null where the response does not say it.
 * @param {Response} response
 * @param {number} from
 */
function sizeOf({ headers }, from) {
  const size = /\/(\d+)$/.exec(headers.get("content-range") ?? "");
  if (size) return Number(size[1]);
  const length = headers.get("content-length");
  // Of a compressed body it is the compressed length.
  return length === null || headers.has("content-encoding") ? null : from + Number(length);
}

/** @param {Response} response */
function validatorOf({ headers }) {
  const tag = headers.get("etag");
  return tag && !tag.startsWith("W/") ? tag : headers.get("last-modified");
}
