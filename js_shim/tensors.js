/** Tensors and what models declare, between onnxruntime-web and the wire. */

import { EdgeError } from "./errors.js";

/** @import { WireSpec, WireTensor } from "./protocol.js" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @param {import("onnxruntime-web").InferenceSession.ValueMetadata} metadata
 * @returns {WireSpec}
 */
export function toWireSpec(metadata) {
  if (!metadata.isTensor)
    throw refused(`${metadata.name}: expected a tensor, got another kind of value`);
  const shape = metadata.shape.map((size) => (typeof size === "number" && size >= 0 ? size : null));
  return { name: metadata.name, dtype: metadata.type, shape };
}

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

/**
 * @param {Ort} ort
 * @param {WireTensor} feed
 */
export function toOrtTensor(ort, { name, dtype, shape, data }) {
  const TypedArray = ARRAYS[dtype];
  if (!TypedArray) {
    const known = Object.keys(ARRAYS).join(", ");
    throw refused(`input ${name}: expected a dtype of ${known}, got ${dtype}`);
  }
  return new ort.Tensor(/** @type {any} */ (dtype), new TypedArray(data), shape);
}

/**
 * @param {[string, import("onnxruntime-web").Tensor]} output
 * @returns {Promise<WireTensor>}
 */
export async function toWireTensor([name, tensor]) {
  const { buffer, byteOffset, byteLength } = /** @type {Uint8Array} */ (await tensor.getData(true));
  const data = /** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength));
  return { name, dtype: tensor.type, shape: [...tensor.dims], data };
}

/** @param {string} what */
function refused(what) {
  return new EdgeError("inference-failed", what);
}
