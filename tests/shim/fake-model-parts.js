/** What model files stand on, in memory: a store with a quota, a file server with faults, locks, timers in a hurry. */

import { EdgeError } from "../../js_shim/errors.js";

/** @import { FileRecord } from "../../js_shim/host/model-store.js" */

/** Bytes of any length that look like nothing. @param {number} length @param {number} [seed] */
export function noise(length, seed = 1) {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = (state * 48271) % 2147483647) & 255);
}

/** The same calls as the one in IndexedDB; each answers in a later turn. */
export class MemoryStore {
  /** @type {Map<string, FileRecord>} */
  files = new Map();
  /** @type {Map<string, Uint8Array>} */
  chunks = new Map();
  quotaBytes = Infinity;
  /** @type {EdgeError | undefined} What every call fails with. */
  failure;
  refusals = 0;

  get usedBytes() {
    return [...this.chunks.values()].reduce((sum, { length }) => sum + length, 0);
  }

  async list() {
    await this.#turn();
    return [...this.files];
  }

  /** @param {string} key */
  async find(key) {
    await this.#turn();
    return structuredClone(this.files.get(key));
  }

  /** @param {string} key @param {number} index */
  async chunk(key, index) {
    await this.#turn();
    return this.chunks.get(`${key}/${index}`)?.slice() ?? new Uint8Array(0);
  }

  /** @param {string} key @param {FileRecord} record @param {Uint8Array} [chunk] */
  async add(key, record, chunk) {
    await this.#turn();
    if (!record.isComplete && this.files.get(key)?.isComplete) return;
    if (this.usedBytes + (chunk?.length ?? 0) > this.quotaBytes) {
      this.refusals += 1;
      throw new EdgeError("storage-full", "no room");
    }
    if (chunk) this.chunks.set(`${key}/${record.digests.length - 1}`, chunk);
    this.files.set(key, structuredClone(record));
  }

  /** @param {string} key @param {number} usedMs */
  async touch(key, usedMs) {
    await this.#turn();
    const record = this.files.get(key);
    if (record) record.usedMs = usedMs;
  }

  /** @param {string} key */
  async drop(key) {
    await this.#turn();
    this.files.delete(key);
    for (const each of [...this.chunks.keys()])
      if (each.startsWith(`${key}/`)) this.chunks.delete(each);
  }

  async erase() {
    await this.#turn();
    this.files.clear();
    this.chunks.clear();
  }

  async #turn() {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure;
  }
}

/** Serves one file, as well as the test lets it. */
export class FileServer {
  /** @type {{range: string | null, ifRange: string | null, cache: RequestCache | undefined}[]} */
  requests = [];
  sentBytes = 0;
  /** What is to happen to the next requests, in order: `cut` and `end` after so many bytes, `silent`, a status. */
  /** @type {{cut?: number, end?: number, silent?: boolean, status?: number, offline?: boolean, then?: () => void}[]} */
  faults = [];
  /** @type {string | null} */
  etag = '"1"';
  /** @type {string | null} */
  lastModified = null;
  hasRanges = true;
  honoursIfRange = true;
  showsLength = true;
  encoding = "";
  isForeign = false;
  /** How much the told length and the told beginning of a part are wrong by. */
  addedLength = 0;
  addedStart = 0;
  partBytes = 10;

  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
  }

  /** @type {typeof fetch} */
  fetch = async (_, init) => {
    const headers = new Headers(init?.headers);
    const asked = { range: headers.get("range"), ifRange: headers.get("if-range") };
    this.requests.push({ ...asked, cache: init?.cache });
    const fault = this.faults.shift() ?? {};
    if (fault.offline) throw new TypeError("Failed to fetch");
    if (fault.status) return new Response("", { status: fault.status });
    const isSame =
      !asked.ifRange ||
      !this.honoursIfRange ||
      [this.etag, this.lastModified].includes(asked.ifRange);
    const from = this.hasRanges && isSame ? Number(asked.range?.match(/\d+/)?.[0] ?? 0) : 0;
    return this.#response(from, fault);
  };

  /** @param {number} from @param {FileServer["faults"][0]} fault */
  #response(from, fault) {
    const { data } = this;
    if (from >= data.length && from > 0) return new Response("", { status: 416 });
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.showsLength) headers["content-length"] = String(data.length - from + this.addedLength);
    if (this.encoding) headers["content-encoding"] = this.encoding;
    if (!this.isForeign && this.etag) headers.etag = this.etag;
    if (this.lastModified) headers["last-modified"] = this.lastModified;
    if (from && !this.isForeign)
      headers["content-range"] =
        `bytes ${from + this.addedStart}-${data.length - 1}/${data.length}`;
    const response = new Response(this.#body(data, from, fault), {
      status: from ? 206 : 200,
      headers,
    });
    if (this.isForeign) Object.defineProperty(response, "type", { value: "cors" });
    return response;
  }

  /** @param {Uint8Array} data @param {number} from @param {FileServer["faults"][0]} fault */
  #body(data, from, { cut, end, silent, then }) {
    let at = from;
    const stop = Math.min(data.length, from + (cut ?? end ?? Infinity));
    return new ReadableStream(
      {
        pull: async (controller) => {
          await new Promise((resolve) => setImmediate(resolve));
          if (at < stop) {
            const part = data.slice(at, Math.min(stop, at + this.partBytes));
            at += part.length;
            this.sentBytes += part.length;
            return controller.enqueue(part);
          }
          if (silent) return new Promise(() => {});
          then?.();
          if (cut === undefined) controller.close();
          else controller.error(new TypeError("network error"));
        },
      },
      { highWaterMark: 0 },
    );
  }
}

/** Pauses take no time and the silence of servers ends at once; `pauses` are the delays that were waited for. */
export class HurriedTimers {
  /** @type {number[]} */
  pauses = [];
  #nowMs = 0;

  /** @param {number} silenceMs @param {number} [stepMs]  What passes from one look at the clock to the next. */
  constructor(silenceMs, stepMs = 1) {
    this.silenceMs = silenceMs;
    this.stepMs = stepMs;
  }

  nowMs = () => (this.#nowMs += this.stepMs);

  /** @param {number} delayMs @param {() => void} action */
  after = (delayMs, action) => {
    if (delayMs !== this.silenceMs) this.pauses.push(delayMs);
    // Long for what goes on in turns, short for whoever waits for nothing.
    const id = setTimeout(action, delayMs === this.silenceMs ? 50 : 0);
    return () => clearTimeout(id);
  };
}

/** Locks of one origin, exclusive ones. */
export class FakeLocks {
  /** @type {Map<string, Promise<unknown>>} */
  #held = new Map();

  /** @type {any} */
  request = async (
    /** @type {string} */ name,
    /** @type {any} */ options,
    /** @type {any} */ callback,
  ) => {
    while (this.#held.has(name)) {
      if (options.ifAvailable) return callback(null);
      await this.#turn(name, options.signal);
    }
    const running = (async () => callback({ name }))();
    const over = running.catch(() => {});
    this.#held.set(name, over);
    return running.finally(() => this.#held.delete(name));
  };

  /** @param {string} name @param {AbortSignal} [signal] */
  async #turn(name, signal) {
    const aborted = new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError"))),
    );
    await Promise.race([this.#held.get(name), aborted]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
