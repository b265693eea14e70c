/** What an interpreter is watched for: its deadline and its heap; and packages from bytes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createPackages } from "../../js_shim/host/packages.js";
import { createInterpreter } from "../../js_shim/host/interpreter.js";
import { capHeap } from "../../js_shim/heap-cap.js";
import { watchDeadline } from "../../js_shim/interrupt-watch.js";

const PAGE_BYTES = 65_536;

/** An interpreter that is polled by hand. */
function polled() {
  let deadlineMs = 0;
  let nowMs = 1_000;
  /** @type {any} */
  let buffer;
  watchDeadline(
    { setInterruptBuffer: (/** @type {any} */ given) => (buffer = given) },
    () => deadlineMs,
    () => nowMs,
  );
  return {
    /** @param {number} count */
    poll(count) {
      const signals = [];
      for (let i = 0; i < count; i++) {
        signals.push(buffer[0]);
        buffer[0] = 0;
      }
      return signals.filter((signal) => signal === 2).length;
    },
    /** @param {{deadlineMs?: number, nowMs?: number}} times */
    set(times) {
      deadlineMs = times.deadlineMs ?? deadlineMs;
      nowMs = times.nowMs ?? nowMs;
    },
  };
}

test("without a deadline nothing is interrupted", () => {
  assert.equal(polled().poll(100), 0);
});

test("a deadline interrupts when it has passed, and then from time to time", () => {
  const interpreter = polled();
  interpreter.set({ deadlineMs: 1_010 });
  assert.equal(interpreter.poll(100), 0);

  interpreter.set({ nowMs: 1_010 });
  assert.equal(interpreter.poll(100), 1);
  interpreter.set({ nowMs: 1_059 });
  assert.equal(interpreter.poll(100), 0);
  interpreter.set({ nowMs: 1_060 });
  assert.equal(interpreter.poll(100), 1);
  interpreter.set({ deadlineMs: 0, nowMs: 2_000 });
  assert.equal(interpreter.poll(100), 0);
});

/** An interpreter whose memory a test writes. */
function interpreter(install = async () => {}) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
  /** @type {string[]} */
  const called = [];
  const python = {
    _module: {
      get HEAPF64() {
        return new Float64Array(memory.buffer);
      },
      get HEAPU8() {
        return new Uint8Array(memory.buffer);
      },
    },
    _api: {
      install,
      importlib: { invalidate_caches: () => called.push("invalidate") },
      sitepackages: "/site",
    },
    setInterruptBuffer() {},
  };
  return { memory, called, ...createInterpreter(python) };
}

test("a heap grows up to what Python wrote down, and no further", () => {
  const { memory, watch, heapBytes } = interpreter();
  watch(64, 0);

  new Float64Array(memory.buffer)[9] = 2 * PAGE_BYTES;

  assert.equal(memory.grow(1), 1);
  assert.throws(() => memory.grow(1), RangeError);
  assert.equal(heapBytes(), 2 * PAGE_BYTES);
  new Float64Array(memory.buffer)[9] = 0;
  assert.equal(memory.grow(1), 2);
});

test("the fixed cap counts as well, and is lifted by none", (t) => {
  const { memory, watch } = interpreter();
  t.after(() => capHeap(0));
  capHeap(PAGE_BYTES);
  watch(64, 0);

  assert.throws(() => memory.grow(1), RangeError);
});

test("a wheel is unpacked and found; one that fails is a refusal with its name", async () => {
  const good = interpreter();
  await good.install("a", "a-1-py3-none-any.whl", Uint8Array.of(1));
  assert.deepEqual(good.called, ["invalidate"]);

  const bad = interpreter(() => Promise.reject(new Error("not a zip")));
  const installed = bad.install("a", "a-1-py3-none-any.whl", Uint8Array.of(1));
  await assert.rejects(installed, { code: "feature-missing", message: /package a: .*not a zip/ });
  await assert.rejects(good.install("a", null, null), { code: "feature-missing" });
});

test("a shipped package comes with what it needs, in order, by its digest", async (t) => {
  const entry = (/** @type {string[]} */ depends, /** @type {string} */ name) => ({
    depends,
    file_name: `${name}.whl`,
    sha256: "00ff".repeat(16),
  });
  const lockfile = {
    packages: { a: entry(["b", "c"], "a"), b: entry(["c"], "b"), c: entry([], "c") },
  };
  /** @type {any[]} */
  const asked = [];
  t.mock.method(globalThis, "fetch", async (/** @type {string} */ url, /** @type {any} */ init) => {
    asked.push([url, init.integrity]);
    return new Response(url.endsWith("c.whl") ? null : Uint8Array.of(1), {
      status: asked.length > 3 ? 404 : 200,
    });
  });
  const { shipped } = createPackages({ lockfile }, "/pyodide/");

  const wheels = await shipped("a");

  assert.deepEqual(
    wheels.map(({ name, file, bytes }) => [name, file, bytes.length]),
    [
      ["c", "c.whl", 0],
      ["b", "b.whl", 1],
      ["a", "a.whl", 1],
    ],
  );
  const digest = Buffer.from("00ff".repeat(16), "hex").toString("base64");
  assert.deepEqual(asked[0], ["/pyodide/c.whl", `sha256-${digest}`]);
  await assert.rejects(shipped("a"), { code: "feature-missing", message: /404/ });
  await assert.rejects(shipped("d"), { code: "feature-missing", details: { packages: ["d"] } });
});
