/** Model files: fetched over bad connections, kept in chunks, read again, making room for each other. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { ModelFiles } from "../../js_shim/host/model-files.js";
import { FakeLocks, FileServer, HurriedTimers, MemoryStore, noise } from "./fake-model-parts.js";

/** @import { Surroundings } from "../../js_shim/host/model-files.js" */
/** @typedef {(store: MemoryStore, key: string) => void} Damage */

const SILENCE_MS = 60_000;
const CHUNK_BYTES = 100;

/** @param {Uint8Array} data */
const digestOf = (data) => createHash("sha256").update(data).digest("hex");

/** @param {Uint8Array} data */
const fileOf = (data, url = "https://shop.test/m.onnx") => ({
  url,
  sha256: digestOf(data),
  maxBytes: 10_000,
  timeoutMs: SILENCE_MS,
});

/** A site with one file, and one life of a worker on it; `again` begins the next life. */
function scene(
  /** @type {Surroundings & {bytes?: number}} */ { bytes = 450, ...surroundings } = {},
) {
  const data = noise(bytes);
  const server = new FileServer(data);
  const store = new MemoryStore();
  const timers = new HurriedTimers(SILENCE_MS);
  const begin = (/** @type {any} */ other = {}) =>
    new ModelFiles({
      ...{ store, timers, fetch: server.fetch, chunkBytes: CHUNK_BYTES },
      ...{ locks: null, estimate: null },
      ...surroundings,
      ...other,
    });
  return { data, server, store, timers, files: begin(), file: fileOf(data), again: begin };
}

/** @param {Promise<unknown>} promise @returns {Promise<EdgeError>} */
async function failureOf(promise) {
  const error = await promise.then(
    () => assert.fail("expected a failure"),
    (error) => error,
  );
  assert.ok(error instanceof EdgeError, String(error));
  return error;
}

/** @param {ArrayBuffer} buffer @param {Uint8Array} data */
function assertIs(buffer, data) {
  assert.ok(buffer instanceof ArrayBuffer);
  assert.deepEqual(new Uint8Array(buffer), data);
}

test("a file is fetched once, and needs no network from then on", async () => {
  const { data, server, store, files, file, again } = scene();

  assertIs(await files.read(file), data);
  server.faults = [{ offline: true }];
  assertIs(await files.read({ ...file, sha256: file.sha256.toUpperCase() }), data);
  const later = again();
  assertIs(await later.read(file), data);

  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0].cache, "no-store");
  assert.deepEqual(
    [...store.chunks.values()].map(({ length }) => length),
    [100, 100, 100, 100, 50],
  );
  assert.deepEqual(await files.statistics(), {
    ...{ files: 1, bytes: 450, hits: 1, misses: 1, resumed: 0, evicted: 0, mode: "stored" },
  });
  assert.deepEqual((await later.statistics()).hits, 1);
});

for (const bytes of [0, 1, 99, 100, 101, 300]) {
  test(`a file of ${bytes} bytes is kept and read as it is`, async () => {
    const { data, server, files, file, again } = scene({ bytes });

    assertIs(await files.read(file), data);
    assertIs(await again().read(file), data);

    assert.equal(server.requests.length, 1);
  });
}

test("a cut connection is resumed from the very byte", async () => {
  const { data, server, files, file, timers } = scene();
  server.faults = [{ cut: 130 }, { offline: true }, { cut: 7 }, { status: 503 }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 450);
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [null, "bytes=130-", "bytes=130-", "bytes=137-", "bytes=137-"],
  );
  assert.deepEqual([...new Set(server.requests.map(({ ifRange }) => ifRange))], [null, '"1"']);
  assert.deepEqual(timers.pauses, [500, 1000, 500, 1000]);
  assert.equal((await files.statistics()).resumed, 1);
});

test("the next worker goes on behind the last chunk that was kept", async () => {
  const { data, server, files, file, again } = scene();
  server.faults = [{ cut: 250 }, ...Array(4).fill({ offline: true })];
  const { code, details } = await failureOf(files.read(file));
  assert.deepEqual([code, details], ["network-failed", { url: file.url, status: null }]);
  assert.deepEqual(
    { ...(await files.statistics()) },
    {
      ...{ files: 0, bytes: 200, hits: 0, misses: 1, resumed: 0, evicted: 0, mode: "stored" },
    },
  );

  const later = again();
  assertIs(await later.read(file), data);

  assert.equal(server.sentBytes, 250 + 250);
  assert.equal(server.requests.at(-1)?.range, "bytes=200-");
  assert.equal((await later.statistics()).resumed, 1);
  assertIs(await again({ fetch: undefined }).read(file), data);
});

test("a kept part that was damaged is fetched again, from where it is", async () => {
  const { data, server, files, file, store, again } = scene();
  server.faults = [{ cut: 350 }, ...Array(4).fill({ offline: true })];
  await failureOf(files.read(file));
  store.chunks.set(`${file.sha256}/1`, noise(100, 9));

  assertIs(await again().read(file), data);

  assert.equal(server.requests.at(-1)?.range, "bytes=100-");
  assertIs(await again({ fetch: undefined }).read(file), data);
});

test("other chunks than ours, of a later version say, are no beginning", async () => {
  const { data, server, files, file, again } = scene();
  server.faults = [{ cut: 350 }, ...Array(4).fill({ offline: true })];
  await failureOf(files.read(file));

  assertIs(await again({ chunkBytes: 64 }).read(file), data);

  assert.equal(server.requests.at(-1)?.range, null);
  assertIs(await again({ fetch: undefined }).read(file), data);
});

test("a server without ranges begins anew", async () => {
  const { data, server, files, file, again } = scene();
  server.hasRanges = false;
  server.faults = [{ cut: 130 }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 130 + 450);
  assertIs(await again({ fetch: undefined }).read(file), data);
  assert.equal((await files.statistics()).resumed, 0);
});

test("a server without ranges that always cuts at the same place is given up", async () => {
  const { server, files, file } = scene();
  server.hasRanges = false;
  server.faults = Array(50).fill({ cut: 130 });

  assert.equal((await failureOf(files.read(file))).code, "network-failed");

  // The first brought something, and the fourth in a row that brought no more ends it.
  assert.equal(server.requests.length, 4);
});

for (const honoursIfRange of [true, false]) {
  test(`a file that changed meanwhile is fetched anew, If-Range ${honoursIfRange ? "honoured" : "ignored"}`, async () => {
    const { data, server, files, again } = scene();
    server.data = noise(450, 5);
    const publish = () => void Object.assign(server, { data, etag: '"2"', honoursIfRange });
    server.faults = [{ cut: 250, then: publish }];

    const file = fileOf(data);
    assertIs(await files.read(file), data);

    assert.equal(server.requests.at(-1)?.range ?? null, honoursIfRange ? "bytes=250-" : null);
    assertIs(await again({ fetch: undefined }).read(file), data);
  });
}

test("a date stands in for a tag, a weak tag for nothing", async () => {
  const { data, server, files, file } = scene();
  server.etag = 'W/"1"';
  server.lastModified = "Tue, 01 Jul 2025 00:00:00 GMT";
  server.faults = [{ cut: 130 }];

  assertIs(await files.read(file), data);

  assert.equal(server.requests[1].ifRange, server.lastModified);
});

test("another size than before is another file", async () => {
  const { data, server, files, file } = scene();
  server.data = noise(900, 5);
  server.honoursIfRange = false;
  server.faults = [{ cut: 130, then: () => void (server.data = data) }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 130 + 450);
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [null, "bytes=130-", null],
  );
});

test("another part than the one that was asked for is no part of it", async () => {
  const { data, server, files, file } = scene();
  server.addedStart = 10;
  server.faults = [{ cut: 130 }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 130 + 450);
});

test("where every chunk was kept, nothing is asked for", async () => {
  const { data, server, store, files, file, again } = scene({ bytes: 300 });
  await files.read(file);
  amend(store, file.sha256, { isComplete: false });

  assertIs(await again().read(file), data);

  assert.equal(server.requests.length, 1);
  assert.equal(store.files.get(file.sha256)?.isComplete, true);
});

test("where every chunk of another version was kept, the file is fetched anew", async () => {
  const { data, server, store, file, again } = scene({ bytes: 300 });
  const other = noise(300, 5);
  await again({ fetch: new FileServer(other).fetch }).read(fileOf(other));
  for (const [key, chunk] of store.chunks)
    store.chunks.set(key.replace(digestOf(other), file.sha256), chunk);
  const record = store.files.get(digestOf(other));
  assert.ok(record);
  store.files.set(file.sha256, { ...record, isComplete: false });

  assertIs(await again().read(file), data);

  assert.deepEqual([server.requests.length, server.requests[0].range], [1, null]);
});

test("a connection that brings nothing more is tried four times", async () => {
  const { server, files, file, timers } = scene();
  server.faults = Array(9).fill({ offline: true });

  const { code, message } = await failureOf(files.read(file));

  assert.equal(code, "network-failed");
  assert.match(message, /expected a whole file .* got no connection .*Try again when online/);
  assert.deepEqual([server.requests.length, timers.pauses], [4, [500, 1000, 2000]]);
});

for (const status of [403, 404]) {
  test(`status ${status} will not get better`, async () => {
    const { server, files, file } = scene();
    server.faults = [{ status }];

    const { code, details } = await failureOf(files.read(file));

    assert.deepEqual([code, details.status, server.requests.length], ["network-failed", status, 1]);
  });
}

test("a server that falls silent is asked again", async () => {
  const { data, server, files, file } = scene();
  server.faults = [{ end: 130, silent: true }];

  assertIs(await files.read(file), data);

  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [null, "bytes=130-"],
  );
});

test("a body that ends too early is no file", async () => {
  const { data, server, files, file } = scene();
  server.faults = [{ end: 130 }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 450);
});

test("a wrong file is refused, named and not kept", async () => {
  const { data, server, store, files, file } = scene();
  server.data = noise(450, 5);

  const { code, details, message } = await failureOf(files.read(file));

  const got = digestOf(server.data);
  assert.equal(code, "digest-mismatch");
  assert.deepEqual(details, { url: file.url, expected: file.sha256, got });
  assert.ok(message.includes(`expected sha256 ${file.sha256}, got ${got}. Publish`), message);
  assert.deepEqual([store.files.size, store.chunks.size, server.requests.length], [0, 0, 1]);
  server.data = data;
  assertIs(await files.read(file), data);
});

for (const showsLength of [true, false]) {
  test(`a file above its bound is dropped, length ${showsLength ? "told" : "untold"}`, async () => {
    const { server, store, files, file } = scene();
    server.showsLength = showsLength;

    const { code, message } = await failureOf(files.read({ ...file, maxBytes: 300 }));

    assert.equal(code, "network-failed");
    assert.match(message, /at most 300 bytes, got more than 300 bytes/);
    assert.ok(server.sentBytes <= (showsLength ? 10 : 310));
    assert.ok([...store.files.values()].every(({ isComplete }) => !isComplete));
  });
}

test("a kept file above a bound is refused as well", async () => {
  const { server, files, file } = scene();
  await files.read(file);

  const { code } = await failureOf(files.read({ ...file, maxBytes: 300 }));

  assert.deepEqual([code, server.requests.length], ["network-failed", 2]);
});

for (const how of [{ showsLength: false }, { encoding: "gzip" }]) {
  test(`a length that is not told is found out: ${JSON.stringify(how)}`, async () => {
    const { data, server, files, file, again } = scene();
    // Of the compressed body, which the test leaves out.
    Object.assign(server, how);
    /** @type {(number | null)[]} */
    const totals = [];

    assertIs(await files.read(file, (_, total) => totals.push(total)), data);

    assert.deepEqual([...new Set(totals)], [null, 450]);
    assertIs(await again({ fetch: undefined }).read(file), data);
  });
}

test("who reads at the same time shares the work and has bytes of its own", async () => {
  const { data, server, files, file } = scene();
  /** @type {number[]} */
  const told = [];

  const reads = [0, 1, 2].map((n) => files.read(file, (loaded) => n && told.push(loaded)));
  const buffers = await Promise.all(reads.map((read) => read.then(transferred)));

  for (const buffer of buffers) assertIs(buffer, data);
  assert.equal(server.requests.length, 1);
  assert.deepEqual(told.slice(-2), [450, 450]);
  assert.equal((await files.statistics()).misses, 1);
});

/** @param {ArrayBuffer} buffer */
const transferred = (buffer) => structuredClone(buffer, { transfer: [buffer] });

test("progress is told now and then, and at the end", async () => {
  const { files, file, again } = scene({ timers: new HurriedTimers(SILENCE_MS, 30) });
  /** @type {[number, number | null][]} */
  const told = [];

  await files.read(file, (...progress) => told.push(progress));

  // A part has 10 bytes and takes 30 ms.
  assert.deepEqual(
    told.slice(0, 3),
    [10, 50, 90].map((loaded) => [loaded, 450]),
  );
  assert.deepEqual(told.at(-1), [450, 450]);
  told.length = 0;
  await again().read(file, (...progress) => told.push(progress));
  assert.deepEqual(told, [[450, 450]]);
});

/** @param {MemoryStore} store @param {string} key @param {number} index */
function chunkOf({ chunks }, key, index) {
  const chunk = chunks.get(`${key}/${index}`);
  assert.ok(chunk);
  return chunk;
}

/** @param {MemoryStore} store @param {string} key @param {object} fields */
const amend = ({ files }, key, fields) => Object.assign(files.get(key) ?? {}, fields);

/** @type {Record<string, Damage>} */
const DAMAGE = {
  "a changed chunk": (store, key) => void (chunkOf(store, key, 2)[7] ^= 1),
  "a missing chunk": (store, key) => void store.chunks.delete(`${key}/2`),
  "a short chunk": (store, key) => void store.chunks.set(`${key}/2`, noise(3)),
  "swapped chunks": (store, key) => {
    const [one, other] = [0, 1].map((index) => chunkOf(store, key, index));
    store.chunks.set(`${key}/0`, other).set(`${key}/1`, one);
  },
  "a record that leaves out chunks": (store, key) => void store.files.get(key)?.digests.pop(),
  "a record of another size": (store, key) => void amend(store, key, { bytes: 451 }),
  "a record of nothing": (store, key) => void amend(store, key, { bytes: 0, digests: ["1"] }),
  "a record of an absurd size": (store, key) => void amend(store, key, { bytes: 2 ** 52 }),
};

for (const [name, damage] of Object.entries(DAMAGE)) {
  test(`${name} has the file fetched anew`, async () => {
    const { data, server, store, files, file, again } = scene();
    await files.read(file);
    damage(store, file.sha256);

    assertIs(await again().read(file), data);

    assert.equal(server.requests.length, 2);
    assert.equal(server.requests[1].range, null);
    assertIs(await again({ fetch: undefined }).read(file), data);
  });
}

test("an older version in the browser's own cache is not the last word", async () => {
  const { data, server, store, again } = scene();
  const newer = noise(data.length, 2);
  store.failure = new EdgeError("storage-failed", "a private window");
  /** @type {typeof fetch} */
  const cached = (url, init) => {
    if (init?.cache === "reload") server.data = newer;
    return server.fetch(url, init);
  };

  assertIs(await again({ fetch: cached }).read(fileOf(newer)), newer);

  assert.deepEqual(
    server.requests.map(({ cache }) => cache),
    ["default", "reload"],
  );
});

test("without a store it works from the network, and says so", async () => {
  const { data, server, store, files, file } = scene();
  store.failure = new EdgeError("storage-failed", "a private window");

  assertIs(await files.read(file), data);
  assertIs(await files.read(file), data);

  const { mode, reason, misses, files: kept } = await files.statistics();
  assert.deepEqual([mode, reason?.code, misses, kept], ["memory", "storage-failed", 2, 0]);
  // Here the browser's own cache may help.
  assert.deepEqual(
    server.requests.map(({ cache }) => cache),
    ["default", "default"],
  );
  store.failure = undefined;
  await files.read(file);
  assert.equal((await files.statistics()).mode, "stored");
});

/** Three files of 300 bytes are kept, in this order; `read` reads another one. */
async function keptThree(/** @type {object} */ surroundings = {}) {
  const { store, timers, again } = scene(surroundings);
  const datas = [2, 3, 4].map((seed) => noise(300, seed));
  for (const [index, data] of datas.entries()) {
    await again({ fetch: new FileServer(data).fetch }).read(fileOf(data));
    await store.touch(digestOf(data), index);
  }
  const kept = () => datas.map((data) => Boolean(store.files.get(digestOf(data))?.isComplete));
  return { store, timers, again, datas, kept };
}

test("where the quota refuses, the least recently read go, as many as it takes", async () => {
  const { store, again, datas, kept } = await keptThree();
  await store.touch(digestOf(datas[0]), 10);
  store.quotaBytes = 1000;
  const data = noise(450, 9);
  const files = again({ fetch: new FileServer(data).fetch });

  assertIs(await files.read(fileOf(data)), data);

  assert.deepEqual(kept(), [true, false, false]);
  const { mode, evicted, files: count, bytes } = await files.statistics();
  assert.deepEqual([mode, evicted, count, bytes], ["stored", 2, 2, 750]);
  assert.equal(store.refusals, 1);
});

test("where all of them are not enough, none goes, and the file is used all the same", async () => {
  const { store, again, kept } = await keptThree();
  store.quotaBytes = 950;
  const data = noise(1_300, 9);
  const files = again({ fetch: new FileServer(data).fetch });

  assertIs(await files.read(fileOf(data)), data);

  assert.deepEqual(kept(), [true, true, true]);
  const { mode, reason, evicted, bytes } = await files.statistics();
  assert.deepEqual([mode, reason?.code, evicted, bytes], ["memory", "storage-full", 0, 900]);
});

test("what still does not fit then is not tried a third time, and leaves nothing", async () => {
  const { store, again } = await keptThree();
  // One chunk fits.
  store.quotaBytes = 1050;
  const drop = store.drop.bind(store);
  // The browser is slow to give room back.
  store.drop = async (key) => {
    await drop(key);
    store.quotaBytes = store.usedBytes;
  };
  const data = noise(450, 9);
  const files = again({ fetch: new FileServer(data).fetch });

  assertIs(await files.read(fileOf(data)), data);

  assert.equal(store.refusals, 2);
  assert.equal(store.files.has(digestOf(data)), false);
  assert.equal((await files.statistics()).mode, "memory");
});

test("what is being read does not go", async () => {
  const { store, again, datas, kept } = await keptThree();
  const reading = store.chunk.bind(store);
  /** @type {() => void} */
  let goOn = () => {};
  const held = new Promise((resolve) => (goOn = () => resolve(undefined)));
  store.chunk = async (key, index) => {
    if (key === digestOf(datas[0])) await held;
    return reading(key, index);
  };
  const data = noise(450, 9);
  const files = again({ fetch: new FileServer(data).fetch });
  const first = files.read(fileOf(datas[0]));
  store.quotaBytes = 1000;

  assertIs(await files.read(fileOf(data)), data);
  goOn();

  assertIs(await first, datas[0]);
  assert.deepEqual(kept(), [true, false, false]);
});

test("the browser's estimate is enough to make room beforehand", async () => {
  const { store, again, kept } = await keptThree();
  // 5 % are left to others.
  const estimate = async () => ({ quota: 1000, usage: store.usedBytes });
  const data = noise(380, 9);
  const files = again({ estimate, fetch: new FileServer(data).fetch });

  assertIs(await files.read(fileOf(data)), data);

  assert.deepEqual(kept(), [false, false, true]);
  assert.deepEqual([store.refusals, (await files.statistics()).mode], [0, "stored"]);
});

test("an estimate that leaves no hope costs nobody anything", async () => {
  const { store, again, kept } = await keptThree();
  const data = noise(450, 9);
  const estimate = async () => ({ quota: 400, usage: 900 });
  const files = again({ estimate, fetch: new FileServer(data).fetch });

  assertIs(await files.read(fileOf(data)), data);

  assert.deepEqual([kept(), store.refusals], [[true, true, true], 0]);
  assert.deepEqual((await files.statistics()).reason?.code, "storage-full");
});

test("an estimate that fails is none", async () => {
  const estimate = () => Promise.reject(new TypeError("no estimate here"));
  const { files, file } = scene({ estimate });

  await files.read(file);

  assert.equal((await files.statistics()).mode, "stored");
});

test("what is erased in the middle of a download stays erased", async () => {
  const { data, server, store, files, file } = scene();
  server.faults = [{ cut: 250, then: () => void (erasing = files.erase()) }];
  /** @type {Promise<void> | undefined} */
  let erasing;

  assertIs(await files.read(file), data);
  await erasing;

  assert.deepEqual([store.files.size, store.chunks.size], [0, 0]);
  assert.equal((await files.statistics()).mode, "memory");
  await files.read(file);
  assert.equal((await files.statistics()).mode, "stored");
});

test("another origin is asked for parts without If-Range, and for the whole at last", async () => {
  const { data, server, files, file } = scene();
  server.isForeign = true;
  // Another origin shows it, but to send it back would cost a preflight.
  server.lastModified = "Tue, 01 Jul 2025 00:00:00 GMT";
  server.faults = [{ cut: 130 }, { offline: true }, { offline: true }];

  assertIs(await files.read(file), data);

  assert.deepEqual(
    server.requests.map(({ range, ifRange }) => [range, ifRange]),
    [
      [null, null],
      ["bytes=130-", null],
      ["bytes=130-", null],
      [null, null],
    ],
  );
});

test("another origin's length is a hint: it may hide that it compresses", async () => {
  for (const addedLength of [50, -50]) {
    const { data, server, files, file } = scene();
    Object.assign(server, { isForeign: true, addedLength });

    assertIs(await files.read(file), data);

    assert.equal(server.requests.length, 1);
  }
});

test("another origin's parts are joined, the digest has the last word", async () => {
  const { data, server, files, file } = scene();
  server.isForeign = true;
  server.faults = [{ cut: 130 }];

  assertIs(await files.read(file), data);

  assert.equal(server.sentBytes, 450);
});

test("of two tabs one fetches, the other reads what it kept", async () => {
  const { data, server, file, again } = scene({ locks: new FakeLocks() });
  const tabs = [again(), again()];

  const buffers = await Promise.all(tabs.map((tab) => tab.read(file)));

  for (const buffer of buffers) assertIs(buffer, data);
  assert.equal(server.requests.length, 1);
  assert.deepEqual(
    (await Promise.all(tabs.map((tab) => tab.statistics()))).map(({ hits }) => hits),
    [0, 1],
  );
});

test("a failure behind the lock is told once", async () => {
  const { server, files, file } = scene({ locks: new FakeLocks() });
  server.faults = Array(2).fill({ status: 404 });

  assert.equal((await failureOf(files.read(file))).code, "network-failed");

  assert.equal(server.requests.length, 1);
});

test("without locks two tabs fetch the same, and harm nothing", async () => {
  const { data, file, again } = scene();

  for (const buffer of await Promise.all([again(), again()].map((tab) => tab.read(file))))
    assertIs(buffer, data);

  assertIs(await again({ fetch: undefined }).read(file), data);
});

test("a tab that holds the lock and does nothing is not waited for for ever", async () => {
  const locks = new FakeLocks();
  const { data, file, files } = scene({ locks });
  locks.request(`edge-model:${file.sha256}`, {}, () => new Promise(() => {}));

  assertIs(await files.read(file), data);
});

test("what another tab reads does not go", async () => {
  const locks = new FakeLocks();
  const { store, again, datas, kept } = await keptThree({ locks });
  locks.request(`edge-model:${digestOf(datas[0])}`, {}, () => new Promise(() => {}));
  store.quotaBytes = 1000;
  const data = noise(300, 9);

  assertIs(await again({ fetch: new FileServer(data).fetch }).read(fileOf(data)), data);

  assert.deepEqual(kept(), [true, false, true]);
});
