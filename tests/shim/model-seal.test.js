/** Sealed model files: what the host tool seals opens, and nothing else does. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { ModelFiles } from "../../js_shim/host/model-files.js";
import { openSealed } from "../../js_shim/host/model-seal.js";
import { FileServer, MemoryStore } from "./fake-model-parts.js";
import { vectors } from "./vectors.js";

/** @typedef {{name: string, key: string, chunkBytes: number, plain: string, sealed: string}} Vector */

/** @type {Vector[]} */
const VECTORS = vectors("sealed-models");
const HEADER_BYTES = 36;
// Of the vector of three chunks: 16 plain bytes, IV and tag.
const PIECE_BYTES = 16 + 28;
const URL = "https://shop.test/m.sealed";

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
const bytesOf = (base64) => Uint8Array.from(Buffer.from(base64, "base64"));

/** @param {string} name */
function vector(name) {
  const found = VECTORS.find((each) => each.name === name);
  assert.ok(found);
  const key = Uint8Array.from(Buffer.from(found.key, "hex"));
  return { key, plain: bytesOf(found.plain), sealed: bytesOf(found.sealed) };
}

/** @param {Uint8Array} sealed @param {Uint8Array} key */
const opened = (sealed, key) => openSealed(Uint8Array.from(sealed).buffer, key, URL);

/** @param {...Uint8Array} parts */
const joined = (...parts) => Uint8Array.from(Buffer.concat(parts));

for (const { name } of VECTORS) {
  test(`what the host tool sealed opens: ${name}`, async () => {
    const { key, plain, sealed } = vector(name);

    const buffer = await opened(sealed, key);

    assert.equal(buffer.byteLength, plain.byteLength);
    assert.deepEqual(new Uint8Array(buffer), plain);
  });

  test(`no bit of it may be another: ${name}`, async () => {
    const { key, sealed } = vector(name);

    for (let at = 0; at < sealed.length; at += 1) {
      const other = sealed.slice();
      other[at] ^= 1 << (at % 8);
      await assert.rejects(opened(other, key), { code: "seal-broken" }, `byte ${at}`);
    }
  });

  test(`it may not end early or go on: ${name}`, async () => {
    const { key, sealed } = vector(name);

    for (let length = 0; length < sealed.length; length += 1)
      await assert.rejects(opened(sealed.subarray(0, length), key), { code: "seal-broken" });
    await assert.rejects(opened(joined(sealed, Uint8Array.of(0)), key), { code: "seal-broken" });
  });
}

const { key, sealed } = vector("of three chunks");
const header = sealed.subarray(0, HEADER_BYTES);
const [first, second, third] = [0, 1, 2].map((index) =>
  sealed.subarray(HEADER_BYTES + index * PIECE_BYTES).subarray(0, PIECE_BYTES),
);

/** @param {number} plainBytes */
function headerOf(plainBytes) {
  const other = header.slice();
  new DataView(other.buffer).setBigUint64(8, BigInt(plainBytes), true);
  return other;
}

const FORGERIES = {
  "swapped chunks": joined(header, second, first, third),
  "a chunk twice": joined(header, first, first, third),
  "no last chunk": joined(headerOf(32), first, second),
  "no first chunk": joined(headerOf(24), second, third),
  "the last chunk alone": joined(headerOf(8), third),
  "an absurd size": joined(headerOf(2 ** 53), first, second, third),
};

for (const [name, forgery] of Object.entries(FORGERIES)) {
  test(`${name} does not open`, async () => {
    await assert.rejects(opened(forgery, key), { code: "seal-broken", details: { url: URL } });
  });
}

test("a chunk size of nothing is no chunk size", async () => {
  const other = sealed.slice();
  new DataView(other.buffer).setUint32(16, 0, true);

  await assert.rejects(opened(other, key), { code: "seal-broken" });
});

test("another key, or none, opens nothing and is told apart", async () => {
  const wrong = opened(sealed, Uint8Array.from(randomBytes(32)));
  await assert.rejects(wrong, /chunk 0 of 3 that this key did not seal/);

  await assert.rejects(opened(sealed, key.subarray(1)), /got a key of 31 bytes/);
  await assert.rejects(opened(bytesOf(Buffer.from("plain").toString("base64")), key), /not sealed/);
});

test("a sealed file is kept sealed and opened for each reader", async () => {
  const { plain } = vector("of three chunks");
  const server = new FileServer(sealed);
  const store = new MemoryStore();
  const files = new ModelFiles({ store, fetch: server.fetch, chunkBytes: 50 });
  const sha256 = createHash("sha256").update(sealed).digest("hex");
  const file = { url: URL, sha256, maxBytes: 1_000, timeoutMs: 60_000 };

  const [one, other, published] = await Promise.all([
    files.read({ ...file, seal: { key } }),
    files.read({ ...file, seal: { key } }),
    files.read(file),
  ]);
  const refused = await files.read({ ...file, seal: { key: new Uint8Array(32) } }).catch((e) => e);
  const again = await files.read({ ...file, seal: { key } });

  for (const buffer of [one, other, again]) assert.deepEqual(new Uint8Array(buffer), plain);
  assert.deepEqual(new Uint8Array(published), sealed);
  assert.ok(refused instanceof EdgeError && refused.code === "seal-broken");
  assert.equal(server.requests.length, 1);
  assert.deepEqual(joined(...store.chunks.values()), sealed);
});
