/** Tensors and what models declare, between onnxruntime-web and the wire. */

import { EdgeError } from "./errors.js";

/** @import { WireSpec, WireTensor } from "./inference-protocol.js" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/** @type {Record<string, new (buffer: ArrayBuffer) => any>} */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};
// onnxruntime-web takes int4 and uint4 as inputs but has no array for them as outputs.
const DTYPES = [...Object.keys(ARRAYS), "string"];
// What ONNX declares and onnxruntime-web refuses by number alone.
/** @type {Record<string, string>} */
const FOREIGN_DTYPES = {
  14: "complex64",
  15: "complex128",
  16: "bfloat16",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  23: "float4e2m1",
  24: "float8e8m0",
};
const LARGEST_SIZE = 2 ** 31 - 1;

const encoder = new TextEncoder();
// A text may begin with U+FEFF, which is no byte order mark there.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * What a model declares of one input or output.
 * @param {import("onnxruntime-web").InferenceSession.ValueMetadata} metadata
 * @returns {WireSpec}
 * @throws {EdgeError} inference-failed: no tensor, or of a dtype that does not cross the border
 */
export function toWireSpec(metadata) {
  const { name } = metadata;
  if (!metadata.isTensor)
    throw refused(`${name}: expected a tensor, got a sequence, a map or an optional value`);
  checkDtype(name, metadata.type);
  return { name, dtype: metadata.type, shape: metadata.shape.map(toAxis) };
}

/**
 * A feed for the engine; numbers are views of the feed's buffer.
 * @param {Ort} ort
 * @param {WireTensor} feed
 * @throws {EdgeError} inference-failed: unknown dtype
 */
export function toOrtTensor(ort, { name, dtype, shape, data }) {
  checkDtype(name, dtype);
  const values = dtype === "string" ? toTexts(data) : new ARRAYS[dtype](data);
  return new ort.Tensor(/** @type {any} */ (dtype), values, shape);
}

/**
 * An output as data whose buffer may be transferred. The engine's tensor is released.
 * @param {[string, import("onnxruntime-web").Tensor]} output
 * @returns {Promise<WireTensor>}
 */
export async function toWireTensor([name, tensor]) {
  const values = await tensor.getData(true);
  const bytes = tensor.type === "string" ? fromTexts(/** @type {string[]} */ (values)) : values;
  const data = ownBuffer(/** @type {Uint8Array} */ (bytes));
  return { name, dtype: tensor.type, shape: [...tensor.dims], data };
}

/**
 * The engine's words, with the name of a dtype that it gives by number.
 * @param {any} error  What onnxruntime-web threw.
 * @returns {string}
 */
export function engineReason(error) {
  return String(error?.message ?? error).replace(
    /unsupported data type: (\d+)/,
    (_, number) =>
      `expected tensors of ${DTYPES.join(", ")}, got ${FOREIGN_DTYPES[number] ?? `ONNX dtype ${number}`}`,
  );
}

/**
 * A buffer of exactly these bytes that may be transferred; copied only where it has to be.
 * @param {ArrayBufferView} view
 * @returns {ArrayBuffer}
 */
export function ownBuffer({ buffer, byteOffset, byteLength }) {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer;
  return new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
}

/**
 * @param {number | string} size
 * @returns {number | string | null}
 */
function toAxis(size) {
  if (typeof size === "string") return size || null;
  // A dynamic axis without a name is -1, which the engine's glue reads as an unsigned number.
  return size >= 0 && size <= LARGEST_SIZE ? size : null;
}

/**
 * @param {string} name
 * @param {string} dtype
 */
function checkDtype(name, dtype) {
  if (!DTYPES.includes(dtype))
    throw refused(`${name}: expected a dtype of ${DTYPES.join(", ")}, got ${dtype}`);
}

/** @param {ArrayBuffer} data */
function toTexts(data) {
  return decoder.decode(data).split("\0").slice(0, -1);
}

/** @param {string[]} texts */
function fromTexts(texts) {
  return encoder.encode(texts.map((text) => `${text}\0`).join(""));
}

/** @param {string} what */
function refused(what) {
  return new EdgeError("inference-failed", what);
}
