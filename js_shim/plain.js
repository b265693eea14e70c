/**
 * JSON text plus buffers: how values with bytes cross the JS ↔ Python border.
 *
 * Bytes become `{"$bytes": i}` and travel as `buffers[i]`; a user's key that is `bytes` after one or more `$`
 * gains one `$`. The Python twin is `edge_runtime/pure/plain.py`; `tests/vectors/plain.json` tests both.
 */

const RESERVED = /^\$+bytes$/;
const ESCAPED = /^\$\$+bytes$/;

/**
 * Take bytes out of plain data.
 * @param {unknown} value  Plain data; ArrayBuffers and their views are allowed as values.
 * @returns {{json: string, buffers: Uint8Array[]}}
 * @throws {TypeError} The value contains itself or a BigInt.
 */
export function split(value) {
  /** @type {Uint8Array[]} */
  const buffers = [];
  return { json: JSON.stringify(detached(value, buffers)) ?? "null", buffers };
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
 */
export async function readBlobs(value) {
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  if (Array.isArray(value)) return Promise.all(value.map(readBlobs));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(async ([key, item]) => [key, await readBlobs(item)]);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * @param {unknown} value
 * @param {Uint8Array[]} buffers
 * @returns {unknown}
 */
function detached(value, buffers) {
  const bytes = asBytes(value);
  if (bytes) return { $bytes: buffers.push(bytes) - 1 };
  if (Array.isArray(value)) return value.map((item) => detached(item, buffers));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      RESERVED.test(key) ? `$${key}` : key,
      detached(item, buffers),
    ]),
  );
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
