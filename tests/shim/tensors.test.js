/** Tensors between the wire and onnxruntime-web: what is copied, what is refused, what is told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-common";
import {
  engineReason,
  ownBuffer,
  toOrtTensor,
  toWireSpec,
  toWireTensor,
} from "../../js_shim/tensors.js";

const engine = /** @type {any} */ (ort);

/**
 * @param {string} dtype
 * @param {number[]} shape
 * @param {Uint8Array} bytes
 */
function wire(dtype, shape, bytes) {
  return { name: "x", dtype, shape, data: /** @type {ArrayBuffer} */ (bytes.buffer) };
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

const WIDTHS = Object.entries({
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
});

for (const [dtype, width] of WIDTHS) {
  test(`${dtype} goes in and out without a copy`, async () => {
    const feed = wire(
      dtype,
      [3, 1],
      Uint8Array.from({ length: 3 * width }, (_, index) => index),
    );

    const tensor = toOrtTensor(engine, feed);
    const output = await toWireTensor(["y", tensor]);

    assert.deepEqual([tensor.type, tensor.dims], [dtype, [3, 1]]);
    assert.deepEqual({ ...output, data: null }, { ...feed, name: "y", data: null });
    assert.equal(output.data, feed.data);
  });
}

test("texts are an array for the engine and bytes on the wire", async () => {
  const bytes = utf8("\0家电\0\ufeffmark\0😀\0");
  const feed = wire("string", [4], bytes);

  const tensor = toOrtTensor(engine, feed);
  const output = await toWireTensor(["x", tensor]);

  assert.equal(tensor.type, "string");
  assert.deepEqual(output, { ...feed, data: output.data });
  assert.deepEqual(new Uint8Array(output.data), bytes);
});

test("no texts, and one empty text, are told apart", () => {
  assert.deepEqual(toOrtTensor(engine, wire("string", [0, 2], utf8(""))).data, []);
  assert.deepEqual(toOrtTensor(engine, wire("string", [], utf8("\0"))).data, [""]);
});

test("an output that lies inside other memory is copied out of it", async () => {
  const heap = new ArrayBuffer(64);
  new Uint8Array(heap).set([1, 2, 3, 4], 8);
  const inside = new ort.Tensor("uint8", new Uint8Array(heap, 8, 4), [4]);

  const { data } = await toWireTensor(["y", /** @type {any} */ (inside)]);

  assert.notEqual(data, heap);
  assert.deepEqual([...new Uint8Array(data)], [1, 2, 3, 4]);
});

test("shared memory cannot be transferred and is copied", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  assert.ok(ownBuffer(shared) instanceof ArrayBuffer);
  assert.equal(ownBuffer(shared).byteLength, 2);
});

test("a dtype that does not cross the border is refused by name", () => {
  const refused = {
    code: "inference-failed",
    message: /^x: expected a dtype of .*bool, string, got bfloat16/,
  };
  assert.throws(() => toOrtTensor(engine, wire("bfloat16", [1], utf8("ab"))), refused);
  const int4 = { name: "w", isTensor: true, type: "int4", shape: [2] };
  assert.throws(
    () => toWireSpec(/** @type {any} */ (int4)),
    /^EdgeError: w: expected a dtype of .*got int4/,
  );
});

test("a fixed axis is a size, a dynamic one its name or null", () => {
  const declared = {
    name: "x",
    isTensor: true,
    type: "int64",
    shape: [0, 224, "batch", "", -1, 4294967295],
  };
  assert.deepEqual(toWireSpec(/** @type {any} */ (declared)), {
    name: "x",
    dtype: "int64",
    shape: [0, 224, "batch", null, null, null],
  });
});

test("what is no tensor is refused by name", () => {
  assert.throws(() => toWireSpec({ name: "boxes", isTensor: false }), {
    code: "inference-failed",
    message: "boxes: expected a tensor, got a sequence, a map or an optional value",
  });
});

test("a dtype that the engine gives by number gets its name", () => {
  const told = engineReason(new Error("unsupported data type: 16"));
  assert.match(told, /^expected tensors of float32, .*string, got bfloat16$/);
  assert.match(engineReason("unsupported data type: 99"), /got ONNX dtype 99$/);
  assert.equal(engineReason(new RangeError("out of memory")), "out of memory");
});
