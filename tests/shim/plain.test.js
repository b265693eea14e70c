/** The border codec, against the vectors shared with Python. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { join, readBlobs, split } from "../../js_shim/plain.js";
import { vectors } from "./vectors.js";

const { vectors: PAIRS, refused: REFUSED } = vectors("plain");

/** @param {string} text */
const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));

/**
 * @param {any} marked
 * @returns {any}
 */
function withBytes(marked) {
  if (Array.isArray(marked)) return marked.map(withBytes);
  if (typeof marked !== "object" || marked === null) return marked;
  if (Object.keys(marked).join() === "hex") return fromHex(marked.hex);
  return Object.fromEntries(Object.entries(marked).map(([key, item]) => [key, withBytes(item)]));
}

for (const { name, value, json, buffers } of PAIRS) {
  test(`split: ${name}`, () => {
    const parts = split(withBytes(value));

    assert.deepEqual(JSON.parse(parts.json), json);
    assert.deepEqual(
      parts.buffers.map((bytes) => Buffer.from(bytes).toString("hex")),
      buffers,
    );
  });

  test(`join: ${name}`, () => {
    assert.deepEqual(join(JSON.stringify(json), buffers.map(fromHex)), withBytes(value));
  });
}

for (const { name, json, buffers } of REFUSED) {
  test(`join refuses ${name}`, () => {
    assert.throws(() => join(JSON.stringify(json), buffers.map(fromHex)), /\$bytes/);
  });
}

test("buffers and views of any kind count as bytes, only the part that a view shows", () => {
  const whole = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  const { json, buffers } = split([
    whole.buffer,
    whole.subarray(2, 4),
    new DataView(whole.buffer, 6, 1),
    new Uint16Array(whole.buffer, 4, 1),
  ]);

  assert.equal(json, '[{"$bytes":0},{"$bytes":1},{"$bytes":2},{"$bytes":3}]');
  assert.deepEqual(
    buffers.map((bytes) => [...bytes]),
    [[...whole], [3, 4], [7], [5, 6]],
  );
});

test("undefined is null, a date its text, and a key named __proto__ a key", () => {
  assert.deepEqual(split(undefined), { json: "null", buffers: [] });
  assert.equal(split({ at: new Date(0) }).json, '{"at":"1970-01-01T00:00:00.000Z"}');
  const odd = JSON.parse('{"__proto__":{"$bytes":1}}');
  const { json, buffers } = split(odd);
  assert.equal(json, '{"__proto__":{"$$bytes":1}}');
  assert.equal(JSON.stringify(join(json, buffers)), JSON.stringify(odd));
});

test("what JSON would lose or choke on is refused", () => {
  const cycle = /** @type {any} */ ({});
  cycle.self = cycle;

  assert.throws(
    () => split({ ids: new Map([[1, 2]]) }),
    /expected plain data or bytes, got \[object Map\]/,
  );
  assert.throws(() => split([new Set()]), /\[object Set\]/);
  assert.throws(() => split(new Blob(["x"])), /\[object Blob\]/);
  assert.throws(() => split({ big: 1n }), TypeError);
  assert.throws(() => split(() => {}), TypeError);
  assert.throws(() => split([NaN]), /got NaN/);
  assert.throws(() => split([-Infinity]), /got -Infinity/);
  assert.throws(() => split(cycle), /at most 128 levels/);
});

test("128 levels pass, one more is refused", async () => {
  const nested = (/** @type {number} */ levels) =>
    JSON.parse("[".repeat(levels) + "]".repeat(levels));

  assert.equal(split(nested(128)).json, JSON.stringify(nested(128)));
  assert.throws(() => split(nested(130)), /at most 128 levels/);
  await assert.rejects(readBlobs(nested(130)), /at most 128 levels/);
});

test("the same object twice is no cycle", () => {
  const shared = { a: 1 };

  assert.equal(split([shared, shared]).json, '[{"a":1},{"a":1}]');
});

test("Blobs are read wherever they are, the rest stays as it is", async () => {
  const photo = new Blob([Uint8Array.of(1, 255)]);
  const bytes = Uint8Array.of(9);

  const read = await readBlobs({ photo, list: [photo, null, { photo }], n: 1, bytes });

  const two = Uint8Array.of(1, 255);
  assert.deepEqual(read, { photo: two, list: [two, null, { photo: two }], n: 1, bytes });
  assert.deepEqual(await readBlobs(photo), two);
});
