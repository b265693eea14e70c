/**
 * JSON text plus buffers: how values with bytes cross the JS ↔ Python border.
 *
 * Bytes become `{"$bytes": i}` and travel as `buffers[i]`; a user's key that is `bytes` after one or more `$`
 * gains one `$`. The Python twin is `edge_runtime/pure/plain.py`; `tests/vectors/plain.json` tests both.
 */

const RESERVED = /^\$+bytes$/;
const ESCAPED = /^\$\$+bytes$/;
/** Deeper values are refused: Python's parser would end the interpreter. Its own limit is higher. */
const LEVELS = 128;

/**
 * Take bytes out of plain data.
 * @param {unknown} value  Plain data; ArrayBuffers and their views are allowed as values.
 * @returns {{json: string, buffers: Uint8Array[]}}
 * @throws {TypeError} A part is neither plain data nor bytes, or nests deeper than 128 levels (as what contains itself does).
 */
export function split(value) {
  /** @type {Uint8Array[]} */
  const buffers = [];
  return { json: JSON.stringify(detached(value, buffers, 0)) ?? "null", buffers };
}

/**
 * Put the bytes back.
 * @param {string} json
 * @param {Uint8Array[]} buffers
 * @returns {unknown}
 * @throws {SyntaxError | RangeError} No JSON, or a reference to a buffer that is not there.
 */
export function join(json, buffers) {
  if (!json.includes('$bytes"')) return JSON.parse(json);
  return JSON.parse(json, (_key, item) => joined(item, buffers));
}

/**
 * Read every Blob inside plain data, so that what is left can be split.
 * @param {unknown} value
 * @returns {Promise<unknown>}
 * @throws {TypeError} The value nests too deep.
 */
export async function readBlobs(value, level = 0) {
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  checkLevel(level);
  const inside = (/** @type {unknown} */ item) => readBlobs(item, level + 1);
  if (Array.isArray(value)) return Promise.all(value.map(inside));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(async ([key, item]) => [key, await inside(item)]);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * @param {unknown} value
 * @param {Uint8Array[]} buffers
 * @param {number} level
 * @returns {unknown}
 */
function detached(value, buffers, level) {
  const bytes = asBytes(value);
  if (bytes) return { $bytes: buffers.push(bytes) - 1 };
  checkLevel(level);
  const inside = (/** @type {unknown} */ item) => detached(item, buffers, level + 1);
  if (Array.isArray(value)) return value.map(inside);
  if (!isRecord(value)) return leaf(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      RESERVED.test(key) ? `$${key}` : key,
      inside(item),
    ]),
  );
}

/**
 * What JSON would drop or change in silence is refused; dates become text as in JSON.
 * @param {unknown} value
 */
function leaf(value) {
  if (value === null || value === undefined) return value;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value instanceof Date) return value.toJSON();
  const got = typeof value === "object" ? Object.prototype.toString.call(value) : String(value);
  throw new TypeError(`expected plain data or bytes, got ${got}`);
}

/** @param {number} level */
function checkLevel(level) {
  if (level > LEVELS) throw new TypeError(`expected at most ${LEVELS} levels of nesting, got more`);
}

/**
 * @param {unknown} item
 * @param {Uint8Array[]} buffers
 */
function joined(item, buffers) {
  if (!isRecord(item)) return item;
  if ("$bytes" in item) return referenced(item, buffers);
  const keys = Object.keys(item);
  if (!keys.some((key) => ESCAPED.test(key))) return item;
  return Object.fromEntries(keys.map((key) => [ESCAPED.test(key) ? key.slice(1) : key, item[key]]));
}

/**
 * @param {Record<string, unknown>} item
 * @param {Uint8Array[]} buffers
 */
function referenced(item, buffers) {
  const index = item.$bytes;
  const valid = Object.keys(item).length === 1 && Number.isInteger(index);
  const bytes = valid ? buffers[/** @type {number} */ (index)] : undefined;
  if (!bytes) {
    const range = `{"$bytes": 0 to ${buffers.length - 1}}`;
    throw new RangeError(`expected ${range} alone, got ${JSON.stringify(item)}`);
  }
  return bytes;
}

/**
 * @param {unknown} value
 * @returns {Uint8Array | undefined}
 */
function asBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
