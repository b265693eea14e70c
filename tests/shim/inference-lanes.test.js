/** Lanes of inference workers: what starts them, what they are asked, and what happens when one breaks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { FILE, OPENED, WASM, WEBGPU, lanes, never } from "./inference-stage.js";

const feed = () => ({ name: "x", dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 3) });

/** @param {Record<string, unknown>} details */
function fails(details) {
  return () => {
    throw new EdgeError("inference-failed", "the engine's words", details);
  };
}

test("a lane is one worker: loaded once, it opens one session after the other", async (t) => {
  const { inference, asked, workers } = lanes(t);

  await Promise.all([
    inference.open("wasm-0", "a", FILE, WASM),
    inference.open("wasm-0", "b", FILE, WASM),
  ]);

  assert.deepEqual(asked, ["wasm-0 load", "wasm-0 open a", "wasm-0 open b"]);
  assert.equal(workers.length, 1);
});

test("the engine starts while the file is still read, and the file moves", async (t) => {
  /** @type {(data: ArrayBuffer) => void} */
  let arrive = () => {};
  const read = () => new Promise((resolve) => void (arrive = resolve));
  /** @type {(value: unknown) => void} */
  let isLoading = () => {};
  const loads = new Promise((resolve) => void (isLoading = resolve));
  const { inference } = lanes(t, { handlers: () => ({ load: isLoading }), read });

  const opening = inference.open("wasm-0", "a", FILE, WASM);
  await loads;
  const data = Uint8Array.of(7).buffer;
  arrive(data);

  assert.deepEqual(await opening, { ...OPENED, fileBytes: 1 });
  assert.equal(data.byteLength, 0);
});

test("files that the model refers to are read and handed over with it", async (t) => {
  /** @type {any[]} */
  const reads = [];
  const read = async (/** @type {any} */ file) => {
    reads.push(file);
    return Uint8Array.of(file.url.length).buffer;
  };
  /** @type {any} */
  let seen;
  const open = (/** @type {any} */ params) => ((seen = params), OPENED);
  const { inference } = lanes(t, { handlers: () => ({ open }), read });
  const external = [{ ...FILE, path: "weights.bin", url: "/w", sha256: "22" }];

  await inference.open("wasm-0", "a", { ...FILE, external }, WASM);

  assert.deepEqual(
    reads.map(({ url, sha256, maxBytes }) => [url, sha256, maxBytes]),
    [
      [FILE.url, FILE.sha256, FILE.maxBytes],
      ["/w", "22", FILE.maxBytes],
    ],
  );
  assert.deepEqual(seen.external, [{ path: "weights.bin", data: Uint8Array.of(2).buffer }]);
  assert.deepEqual(seen.target, WASM);
});

test("a file that fails leaves the lane as it is", async (t) => {
  const broken = new EdgeError("digest-mismatch", "other bytes");
  let reads = 0;
  const read = async () => {
    if (++reads === 1) throw broken;
    return new ArrayBuffer(1);
  };
  const { inference, workers } = lanes(t, { read });

  await assert.rejects(inference.open("wasm-0", "a", FILE, WASM), broken);
  await inference.open("wasm-0", "a", FILE, WASM);

  assert.equal(workers.length, 1);
});

test("feeds move to the worker that has the session", async (t) => {
  const run = (/** @type {any} */ { feeds }) => ({ outputs: [...new Uint8Array(feeds[0].data)] });
  const { inference, asked } = lanes(t, { handlers: () => ({ run }) });
  await inference.open("wasm-0", "a", FILE, WASM);
  await inference.open("webgpu", "a", FILE, WEBGPU);
  const moved = feed();

  const { outputs } = await inference.run("webgpu", "a", [moved]);

  assert.equal(asked.at(-1), "webgpu run a");
  assert.deepEqual(outputs, [1, 2, 3]);
  assert.equal(moved.data.byteLength, 0);
});

test("a lane has one target, dimensions aside", async (t) => {
  const { inference } = lanes(t);
  await inference.open("wasm-0", "a", FILE, WASM);

  await inference.open("wasm-0", "b", FILE, { ...WASM, dimensions: { rows: 3 } });
  await assert.rejects(inference.open("wasm-0", "c", FILE, { ...WASM, threads: 2 }), {
    code: "argument-invalid",
    message: /1 threads.*2 threads/,
  });
});

test("the worker that probes becomes the first lane for wasm, and only that", async (t) => {
  const facts = { cores: 4 };
  const told = { ...facts, build: "inference.js" };
  const { inference, workers, names } = lanes(t, { handlers: () => ({ probe: () => facts }) });

  assert.deepEqual(await Promise.all([inference.probe(true), inference.probe(true)]), [told, told]);
  await inference.open("webgpu", "a", FILE, WEBGPU);
  await inference.open("wasm-0", "a", FILE, WASM);
  await inference.open("wasm-1", "a", FILE, WASM);
  await inference.probe(true);

  assert.deepEqual(names, ["spare", "webgpu", "wasm-1"]);
  inference.close("wasm-0", "no more");
  assert.deepEqual(
    workers.map(({ isTerminated }) => isTerminated),
    [true, false, false],
  );
});

test("a probe that failed is asked again", async (t) => {
  let probes = 0;
  const probe = () => (++probes === 1 ? fails({ poisoned: true })() : {});
  const { inference, workers } = lanes(t, { handlers: () => ({ probe }) });

  await assert.rejects(inference.probe(true), { code: "inference-failed" });
  await inference.probe(true);

  assert.equal(workers.length, 2);
});

test("what was released no longer runs; releasing what nobody opened is no error", async (t) => {
  const { inference, asked, workers } = lanes(t);
  await inference.release("wasm-0", "nobody");
  assert.equal(workers.length, 0);
  await inference.open("wasm-0", "a", FILE, WASM);

  await inference.release("wasm-0", "a");
  await inference.release("wasm-0", "a");

  assert.equal(asked.filter((each) => each.includes("release")).length, 1);
  await assert.rejects(inference.run("wasm-0", "a", []), {
    code: "worker-lost",
    details: { lane: "wasm-0", reason: "not open" },
  });
});

test("an ordinary failure of a run ends nothing", async (t) => {
  const { inference, workers } = lanes(t, { handlers: () => ({ run: fails({}) }) });
  await inference.open("wasm-0", "a", FILE, WASM);

  await assert.rejects(inference.run("wasm-0", "a", [feed()]), {
    code: "inference-failed",
    details: { lane: "wasm-0" },
  });

  assert.equal(workers[0].isTerminated, false);
});

test("after stop nothing lives, and what waits is told", async (t) => {
  const { inference, workers } = lanes(t, { handlers: () => ({ run: never }) });
  await inference.open("wasm-0", "a", FILE, WASM);
  await inference.open("webgpu", "a", FILE, WEBGPU);
  const running = inference.run("webgpu", "a", []);

  inference.stop();

  await assert.rejects(running, { code: "worker-lost", message: /stopped/ });
  assert.ok(workers.every(({ isTerminated }) => isTerminated));
});
