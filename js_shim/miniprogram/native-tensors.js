/** Feeds and outputs between a caller and the native engine, which knows five dtypes and says little about the rest. */

import { EdgeError } from "../errors.js";
import { SIZES } from "./native-catalogue.js";

/** @import { NativeModel, TensorSpec } from "./native-catalogue.js" */
/** @import { NativeDtype, NativeTensor } from "./native-port.js" */

/** @typedef {{dtype: string, shape: number[], data: ArrayBuffer | ArrayBufferView}} Feed  Row-major, little-endian. */

/** @type {Record<NativeDtype, any>} */
const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
};

/**
 * @param {NativeModel} model
 * @param {Record<string, unknown>} given  Feeds, or with `isPlain` numbers in lists, by input.
 * @param {boolean} isPlain
 * @returns {Record<string, NativeTensor>}
 * @throws {EdgeError} tensor-invalid
 */
export function toTensors(model, given, isPlain) {
  const names = model.inputs.map(({ name }) => name);
  if (Object.keys(given).sort().join() !== [...names].sort().join())
    throw invalid("feeds", names.join(", "), Object.keys(given).join(", ") || "none");
  const pairs = model.inputs.map((spec) => {
    const feed = isPlain ? fromNumbers(spec, given[spec.name]) : given[spec.name];
    return [spec.name, toTensor(spec, /** @type {Feed} */ (feed))];
  });
  return Object.fromEntries(pairs);
}

/**
 * @param {NativeModel} model
 * @param {Record<string, NativeTensor>} tensors
 * @returns {Record<string, {dtype: string, shape: number[], data: ArrayBufferView}>}
 * @throws {EdgeError} inference-failed: an output is not there, or of another dtype
 */
export function fromTensors(model, tensors) {
  const pairs = model.outputs.map(({ name, dtype }) => {
    const { type, shape, data } = tensors[name] ?? {};
    if (type !== dtype) {
      const text = `output ${name}: expected ${dtype}, got ${type ?? "none"}. Correct the catalogue's outputs.`;
      throw new EdgeError("inference-failed", text);
    }
    return [name, { dtype, shape: [...shape], data: new ARRAYS[dtype](data) }];
  });
  return Object.fromEntries(pairs);
}

/**
 * @param {TensorSpec} spec
 * @param {Feed} feed
 * @returns {NativeTensor}
 */
function toTensor(spec, feed) {
  const { name, dtype } = spec;
  const bytes = bytesOf(feed?.data);
  if (!bytes || !Array.isArray(feed.shape))
    throw invalid(name, "{dtype, shape, data}", typeof feed);
  const isNarrowed = feed.dtype === "int64" && spec.narrowFrom === "int64";
  if (feed.dtype !== dtype && !isNarrowed)
    throw invalid(name, dtype, feed.dtype, advice(feed.dtype));
  checkShape(spec, feed.shape);
  const expectedBytes = count(feed.shape) * (isNarrowed ? 8 : SIZES[dtype]);
  if (bytes.length !== expectedBytes)
    throw invalid(name, `${expectedBytes} bytes for [${feed.shape}]`, bytes.length);
  // The engine gets a copy: a caller's view may be part of a larger buffer.
  const data = bytes.slice().buffer;
  return { data: isNarrowed ? narrowed(name, data) : data, shape: [...feed.shape], type: dtype };
}

/**
 * int64 as int32, each value the same. By halves, as older engines have no 64-bit integers.
 * @param {string} name
 * @param {ArrayBuffer} data
 */
function narrowed(name, data) {
  const halves = new Int32Array(data);
  const values = new Int32Array(halves.length / 2);
  for (let at = 0; at < values.length; at++) {
    values[at] = halves[2 * at];
    if (halves[2 * at + 1] !== values[at] >> 31)
      throw invalid(
        `${name}[${at}]`,
        "a value that int32 holds",
        "a larger one",
        "Use smaller ids",
      );
  }
  return values.buffer;
}

/**
 * A feed of numbers as a task's caller has them: nested lists, a typed array, or one number.
 * @param {TensorSpec} spec
 * @param {unknown} given
 * @returns {Feed}
 */
function fromNumbers(spec, given) {
  const { name, dtype } = spec;
  const flat = flattened(given);
  const values = new ARRAYS[dtype](flat.length);
  for (let at = 0; at < flat.length; at++) {
    values[at] = /** @type {number} */ (flat[at]);
    if (typeof flat[at] !== "number" || (dtype !== "float32" && values[at] !== flat[at]))
      throw invalid(`${name}[${at}]`, `a number that ${dtype} holds`, String(flat[at]));
  }
  return { dtype, shape: shapeFor(spec, flat.length), data: values };
}

/** @param {unknown} given @returns {ArrayLike<unknown>} */
function flattened(given) {
  if (Array.isArray(given)) return given.flat(Infinity);
  const isView = ArrayBuffer.isView(given) && !(given instanceof DataView);
  return isView ? /** @type {any} */ (given) : [given];
}

/**
 * The declared shape; of a free axis, if there is one only, the size follows.
 * @param {TensorSpec} spec
 * @param {number} length
 */
function shapeFor({ name, shape }, length) {
  const fixed = count(shape.map((size) => size ?? 1));
  const free = shape.filter((size) => size === null).length;
  if (free > 1)
    throw invalid(
      name,
      "a shape with one free axis at most",
      `[${shape}]`,
      "Pass feeds with shapes",
    );
  if (free ? length % fixed : length !== fixed)
    throw invalid(name, `numbers for [${shown(shape)}]`, length);
  return shape.map((size) => size ?? length / fixed);
}

/** @param {TensorSpec} spec @param {number[]} got */
function checkShape({ name, shape }, got) {
  const fits =
    shape.length === got.length && shape.every((size, at) => size === null || size === got[at]);
  if (!fits || !got.every((size) => Number.isInteger(size) && size >= 0))
    throw invalid(name, `shape [${shown(shape)}]`, `[${got}]`);
}

/** @param {(number | null)[]} shape */
function shown(shape) {
  return shape.map((size) => size ?? "?").join(", ");
}

/** @param {number[]} shape */
function count(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** @param {unknown} data */
function bytesOf(data) {
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  // Not instanceof: the host may hand out buffers of another realm.
  const isBuffer = Object.prototype.toString.call(data) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(/** @type {ArrayBuffer} */ (data)) : undefined;
}

/** @param {string} dtype */
function advice(dtype) {
  if (dtype === "int64") return "Declare narrowFrom int64 at an int32 input, or pass int32";
  return `The native engine takes ${Object.keys(SIZES).join(", ")}; convert it`;
}

/**
 * @param {string} where
 * @param {string} expected
 * @param {unknown} got
 * @param {string} [what]
 */
function invalid(where, expected, got, what = "Correct the feed") {
  const text = `${where}: expected ${expected}, got ${got}. ${what}.`;
  return new EdgeError("tensor-invalid", text, { path: where });
}
