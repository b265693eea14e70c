/** Inference workers that break, hang or are ended: who is told what, and what lives on. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { Inference } from "../../js_shim/host/inference.js";
import { PROTOCOL_VERSION } from "../../js_shim/protocol.js";
import { FakeWorker } from "./fake-worker.js";
import { FILE, OPENED, WASM, WEBGPU, failure, lanes, never, until } from "./inference-stage.js";

const LOST = new EdgeError("inference-failed", "the device is gone", {
  deviceLost: true,
  poisoned: true,
}).toPlain();

test("a start that fails ends the worker, and the next open gets a fresh one", async (t) => {
  let starts = 0;
  const load = () => {
    if (++starts === 1) throw new EdgeError("inference-failed", "no wasm", { poisoned: true });
  };
  const { inference, workers } = lanes(t, { handlers: () => ({ load }) });

  await assert.rejects(inference.open("wasm-0", "a", FILE, WASM), {
    code: "inference-failed",
    details: { poisoned: true, lane: "wasm-0" },
  });
  await inference.open("wasm-0", "a", FILE, WASM);

  assert.deepEqual(
    workers.map(({ isTerminated }) => isTerminated),
    [true, false],
  );
});

test("a worker that never came up counts as a failed start", async (t) => {
  const { inference, workers } = lanes(t);

  const opening = inference.open("wasm-0", "a", FILE, WASM);
  assert.ok(workers[0].crash());

  const error = await failure(opening);
  assert.equal(error.code, "inference-failed");
  assert.match(error.message, /missing or blocked/);
  assert.ok(error.details.poisoned);
  await inference.open("wasm-0", "a", FILE, WASM);
});

test("a worker of another build is ended: version-mismatch, for who waits and the next one", async (t) => {
  /** @type {FakeWorker[]} */
  const workers = [];
  const files = { read: async () => new ArrayBuffer(4) };
  const inference = new Inference("https://shop.example/inference.js", files, () => {
    const script = (/** @type {any} */ scope) =>
      scope.postMessage({ kind: "hello", version: PROTOCOL_VERSION, build: "other" });
    workers.push(new FakeWorker(script));
    return workers[workers.length - 1].asWorker;
  });
  t.after(() => inference.stop());

  for (const count of [1, 2]) {
    const opening = inference.open("wasm-0", "a", FILE, WASM);
    await assert.rejects(opening, {
      code: "version-mismatch",
      message: /expected build .* reload/,
    });
    assert.deepEqual(
      workers.map(({ isTerminated }) => isTerminated),
      Array(count).fill(true),
    );
  }
});

test("a poisoning run is told its own error, those behind it that the worker is lost", async (t) => {
  let runs = 0;
  const run = async () => {
    if (++runs > 1) return never();
    await until(() => runs === 2);
    throw new EdgeError("inference-failed", "std::bad_alloc", { poisoned: true });
  };
  const { inference, workers } = lanes(t, { handlers: () => ({ run }) });
  await inference.open("wasm-0", "a", FILE, WASM);

  const [guilty, innocent] = await Promise.allSettled([
    inference.run("wasm-0", "a", []),
    inference.run("wasm-0", "a", []),
  ]);

  const lost = /** @type {any} */ (innocent).reason;
  assert.equal(/** @type {any} */ (guilty).reason.code, "inference-failed");
  assert.equal(lost.code, "worker-lost");
  assert.deepEqual(lost.details, { poisoned: true, lane: "wasm-0", reason: "std::bad_alloc" });
  assert.equal(workers[0].isTerminated, true);
});

test("a worker that dies loses its runs and sessions, and only its own", async (t) => {
  const { inference, workers } = lanes(t, { handlers: () => ({ run: never }) });
  await inference.open("wasm-0", "a", FILE, WASM);
  await inference.open("webgpu", "b", FILE, WEBGPU);

  const lost = inference.run("wasm-0", "a", []);
  await inference.release("webgpu", "b");
  assert.ok(workers[0].crash("out of memory"));

  await assert.rejects(lost, { code: "worker-lost", message: /out of memory/ });
  await assert.rejects(inference.run("wasm-0", "a", []), { code: "worker-lost" });
  assert.deepEqual(
    workers.map(({ isTerminated }) => isTerminated),
    [true, false],
  );
});

test("a message that cannot be read ends the worker", async (t) => {
  const { inference, workers } = lanes(t, { handlers: () => ({ run: never }) });
  await inference.open("wasm-0", "a", FILE, WASM);
  const lost = inference.run("wasm-0", "a", []);

  workers[0].onmessageerror?.();

  await assert.rejects(lost, {
    code: "worker-lost",
    details: { poisoned: true, lane: "wasm-0", reason: "an unreadable message" },
  });
  assert.equal(workers[0].isTerminated, true);
});

test("a lost device ends the worker with what is in flight; a later open has a new one", async (t) => {
  const { inference, asked, rpcs, workers } = lanes(t, { handlers: () => ({ run: never }) });
  await inference.open("webgpu", "a", FILE, WEBGPU);
  const lost = inference.run("webgpu", "a", []);
  await until(() => asked.includes("webgpu run a"));

  rpcs[0].notify("doomed", LOST);

  const error = await failure(lost);
  assert.equal(error.code, "inference-failed");
  assert.ok(error.details.deviceLost && error.details.poisoned);
  assert.equal(error.details.lane, "webgpu");
  await inference.open("webgpu", "a", FILE, WEBGPU);
  assert.equal(workers.length, 2);
});

test("closing a lane rejects its run and its opens at once, with the reason", async (t) => {
  const { inference, asked, workers } = lanes(t, {
    handlers: () => ({ run: never }),
    read: (file) => (file.url === "/endless" ? never() : Promise.resolve(new ArrayBuffer(1))),
  });
  await inference.open("wasm-0", "a", FILE, WASM);
  const waiting = [
    inference.run("wasm-0", "a", []),
    inference.open("wasm-0", "b", { ...FILE, url: "/endless" }, WASM),
  ];
  await until(() => asked.includes("wasm-0 run a"));

  inference.close("wasm-0", "cancelled");

  for (const each of waiting)
    await assert.rejects(each, {
      code: "worker-lost",
      details: { lane: "wasm-0", reason: "cancelled" },
    });
  assert.ok(workers[0].isTerminated);
});

test("who gave up opening a file hears nothing of it any more", async (t) => {
  /** @type {(loadedBytes: number, totalBytes: number) => void} */
  let tell = () => {};
  const { inference } = lanes(t, {
    read: (_file, onProgress) => {
      tell = onProgress;
      return never();
    },
  });
  /** @type {number[]} */
  const heard = [];

  const opening = inference.open("wasm-0", "a", FILE, WASM, (bytes) => heard.push(bytes));
  tell(1, 2);
  inference.close("wasm-0", "cancelled");
  await failure(opening);
  tell(2, 2);

  assert.deepEqual(heard, [1]);
});

test("a lane that is closed before its worker greets rejects at once", async (t) => {
  const { inference, workers } = lanes(t);

  const opening = inference.open("wasm-0", "a", FILE, WASM);
  inference.close("wasm-0", "cancelled");

  await assert.rejects(opening, {
    code: "worker-lost",
    details: { lane: "wasm-0", reason: "cancelled" },
  });
  await inference.open("wasm-0", "a", FILE, WASM);
  assert.equal(workers.length, 2);
});

test("a late word of an ended worker does not reach the next one of the lane", async (t) => {
  const { inference, workers } = lanes(t);
  await inference.open("wasm-0", "a", FILE, WASM);
  inference.close("wasm-0", "recycled");
  assert.deepEqual(await inference.open("wasm-0", "a", FILE, WASM), { ...OPENED, fileBytes: 4 });

  workers[0].crash("too late");

  assert.deepEqual(await inference.open("wasm-0", "b", FILE, WASM), { ...OPENED, fileBytes: 4 });
  assert.equal(workers.length, 2);
});

test("a run without an answer counts as hung: its worker is ended", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { inference, asked, workers } = lanes(t, { handlers: () => ({ run: never }) });
  await inference.open("wasm-0", "a", FILE, WASM);
  const hung = inference.run("wasm-0", "a", []);
  await until(() => asked.includes("wasm-0 run a"));

  t.mock.timers.tick(60_000);

  const error = await failure(hung);
  assert.equal(error.code, "worker-lost");
  assert.ok(error.details.poisoned);
  assert.equal(workers[0].isTerminated, true);
});
