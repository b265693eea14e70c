/** The logic layer's adapter on a stand-in for `wx`: what the engine is given, and what is refused before it sees it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import vm from "node:vm";
import { buildSync } from "esbuild";
import { createNativeEdge } from "../../js_shim/miniprogram/native.js";
import { createHandTimers } from "./hand-timers.js";
import { settled } from "./miniprogram-page.js";

const FILE = Buffer.from("a model");
const SHA = createHash("sha256").update(FILE).digest("hex");
const FOLDER = "http://usr";
const KEPT = `${FOLDER}/edge-${SHA}.onnx`;
const SPEC = /** @type {const} */ ({ name: "x", dtype: "float32", shape: [1, 3] });
const CODES = { systemCode: "shop", businessCode: "rank" };

/** @param {any} [changes] Of the model. */
function catalogue(changes = {}) {
  const model = {
    url: "https://cdn.test/m.onnx",
    sha256: SHA,
    inputs: [SPEC],
    outputs: [{ ...SPEC, name: "y" }],
  };
  return /** @type {any} */ ({
    models: { ranker: { ...model, ...changes } },
    tasks: [
      { taskName: "Rank", ...CODES, model: "ranker" },
      { taskName: "Story", systemCode: "shop", businessCode: "story" },
    ],
  });
}

/** A logic layer: a disk, a server that serves FILE, an engine whose output `y` is its input `x`. */
function createWx() {
  /** @type {Map<string, Buffer>} */
  const disk = new Map();
  const seen = {
    downloads: 0,
    /** @type {any[]} */ sessions: [],
    /** @type {any[]} */ runs: [],
    /** @type {((error: any) => void)[]} By session. */ failing: [],
    destroyed: 0,
  };
  const faults = /** @type {any} */ ({});
  const missing = { errMsg: "no such file or directory" };
  const files = {
    getFileInfo(/** @type {any} */ { filePath, digestAlgorithm, success, fail }) {
      const data = disk.get(filePath);
      const algorithm = faults.digest ?? digestAlgorithm;
      return data
        ? success({ digest: createHash(algorithm).update(data).digest("hex") })
        : fail(missing);
    },
    rename(/** @type {any} */ { oldPath, newPath, success, fail }) {
      if (faults.rename) return fail({ errMsg: faults.rename });
      disk.set(newPath, /** @type {Buffer} */ (disk.get(oldPath)));
      disk.delete(oldPath);
      success({});
    },
    unlink: (/** @type {any} */ { filePath, success, fail }) =>
      disk.delete(filePath) ? success({}) : fail(missing),
    readdir: (/** @type {any} */ { success }) =>
      setImmediate(() =>
        success({ files: [...disk.keys()].map((path) => path.slice(FOLDER.length + 1)) }),
      ),
  };
  const wx = /** @type {any} */ ({
    env: { USER_DATA_PATH: FOLDER },
    getFileSystemManager: () => files,
    downloadFile(/** @type {any} */ { filePath, success, fail }) {
      seen.downloads++;
      if (faults.download) return fail({ errMsg: faults.download });
      disk.set(filePath, faults.served ?? FILE);
      success({ statusCode: faults.status ?? 200 });
    },
    createInferenceSession(/** @type {any} */ option) {
      if (faults.create) throw new Error(faults.create);
      seen.sessions.push(option);
      return {
        onLoad: (/** @type {any} */ tell) => faults.open ?? queueMicrotask(tell),
        onError(/** @type {any} */ tell) {
          seen.failing.push(tell);
          if (faults.open && faults.open !== "silent") tell({ errMsg: faults.open });
        },
        async run(/** @type {any} */ tensors) {
          seen.runs.push(tensors);
          if (faults.run) throw await faults.run;
          return { y: tensors.x };
        },
        destroy: () => void seen.destroyed++,
      };
    },
  });
  return { wx, disk, seen, faults };
}

/** @param {any} [changes] */
function started(changes) {
  const timers = createHandTimers();
  const layer = createWx();
  const edge = createNativeEdge({ wx: layer.wx, catalogue: catalogue(changes), timers });
  const infer = (/** @type {any} */ options) => edge.infer({ ...CODES, ...options });
  return { ...layer, timers, edge, infer };
}

/** @param {Promise<unknown>} promise @param {string} code @param {RegExp} [text] */
const refused = (promise, code, text = /./) =>
  assert.rejects(promise, (/** @type {any} */ error) => {
    assert.equal(error.code, code, error);
    assert.match(error.message, text);
    return true;
  });

const float = (/** @type {number[]} */ ...values) => ({
  dtype: "float32",
  shape: [1, 3],
  data: new Float32Array(values),
});

test("numbers become the tensor that the model declares; the answer is a result as a page gets it", async () => {
  const { infer, seen } = started();
  const result = await infer({ extData: { x: [[1, 2, 3]] } });

  assert.deepEqual(
    [result.taskName, result.trigger, result.backend.ranker.name],
    ["Rank", "api", "wx-native"],
  );
  assert.deepEqual(result.value, {
    y: { dtype: "float32", shape: [1, 3], data: new Float32Array([1, 2, 3]) },
  });
  assert.deepEqual(
    [seen.runs[0].x.type, seen.runs[0].x.shape, seen.runs[0].x.data.byteLength],
    ["float32", [1, 3], 12],
  );
});

test("the model is opened once from its kept file, under both spellings of the precision", async () => {
  const { infer, seen, disk } = started({ precisionLevel: 2, typicalShape: { x: [1, 3] } });
  await infer({ feeds: { x: float(1, 2, 3) } });
  await infer({ feeds: { x: float(4, 5, 6) } });

  assert.deepEqual(seen.sessions, [
    { model: KEPT, precisionLevel: 2, precesionLevel: 2, typicalShape: { x: [1, 3] } },
  ]);
  assert.deepEqual([seen.downloads, seen.runs.length, [...disk.keys()]], [1, 2, [KEPT]]);
});

test("a kept file is used if it is whole, and fetched again if not; files of other catalogues go", async () => {
  const whole = started();
  whole.disk.set(KEPT, FILE);
  await whole.infer({ feeds: { x: float(1, 2, 3) } });
  assert.equal(whole.seen.downloads, 0);

  const torn = started();
  const other = `${FOLDER}/edge-${"0".repeat(64)}.onnx`;
  for (const path of [KEPT, other, `${FOLDER}/theirs.txt`])
    torn.disk.set(path, Buffer.from("torn"));
  await torn.infer({ feeds: { x: float(1, 2, 3) } });
  assert.equal(torn.seen.downloads, 1);
  assert.deepEqual([...torn.disk.keys()].sort(), [KEPT, `${FOLDER}/theirs.txt`].sort());
});

test("a model of the package is neither fetched nor kept", async () => {
  const { infer, seen } = started({ file: "models/ranker.onnx" });
  await infer({ feeds: { x: float(1, 2, 3) } });

  assert.deepEqual([seen.sessions[0].model, seen.downloads], ["models/ranker.onnx", 0]);
});

test("two first calls share one download and one session", async () => {
  const { infer, seen } = started();
  await Promise.all([
    infer({ feeds: { x: float(1, 2, 3) } }),
    infer({ feeds: { x: float(4, 5, 6) } }),
  ]);

  assert.deepEqual([seen.downloads, seen.sessions.length, seen.runs.length], [1, 1, 2]);
});

for (const [what, fault, code, text] of /** @type {const} */ ([
  [
    "another file than promised",
    { served: Buffer.from("evil") },
    "digest-mismatch",
    /expected SHA-256 /,
  ],
  ["a page that says 404", { status: 404 }, "network-failed", /expected status 200, got 404/],
  [
    "no network",
    { download: "request:fail" },
    "network-failed",
    /request:fail\. Is its host among/,
  ],
  [
    "a full folder",
    { download: "the maximum size of the file storage limit is exceeded" },
    "storage-full",
    /Free space/,
  ],
  [
    "a folder that cannot be written",
    { rename: "permission denied" },
    "storage-failed",
    /permission denied/,
  ],
  [
    "a base library without SHA-256",
    { digest: "md5" },
    "feature-missing",
    /Put the model into the package/,
  ],
  [
    "a model the engine does not open",
    { open: "op not supported" },
    "inference-failed",
    /op not supported/,
  ],
  ["an engine that throws", { create: "bad option" }, "inference-failed", /bad option/],
])) {
  test(`${what}: refused, nothing stays, and the next call tries again`, async () => {
    const { infer, faults, disk } = started();
    Object.assign(faults, fault);
    await refused(infer({ feeds: { x: float(1, 2, 3) } }), code, text);
    assert.deepEqual(
      [...disk.keys()].filter((path) => path !== KEPT),
      [],
    );
    for (const key of Object.keys(faults)) delete faults[key];

    assert.equal((await infer({ feeds: { x: float(1, 2, 3) } })).taskName, "Rank");
  });
}

test("a view of a larger buffer gives its own bytes", async () => {
  const { infer, seen } = started();
  await infer({ feeds: { x: { ...float(), data: new Float32Array([9, 1, 2, 3]).subarray(1) } } });

  assert.deepEqual(new Float32Array(seen.runs[0].x.data), new Float32Array([1, 2, 3]));
});

test("two models of one file share its download", async () => {
  const both = catalogue();
  both.models.other = both.models.ranker;
  both.tasks.push({ taskName: "Other", systemCode: "shop", businessCode: "other", model: "other" });
  const { wx, seen } = createWx();
  const edge = createNativeEdge({ wx, catalogue: both });
  const feeds = { x: float(1, 2, 3) };
  await Promise.all(
    ["rank", "other"].map((businessCode) =>
      edge.infer({ systemCode: "shop", businessCode, feeds }),
    ),
  );

  assert.deepEqual([seen.downloads, seen.sessions.length], [1, 2]);
});

test("a run that fails closes the model; the next one opens it again", async () => {
  const { infer, faults, seen } = started();
  faults.run = new Error("native crash");
  await refused(infer({ feeds: { x: float(1, 2, 3) } }), "inference-failed", /native crash/);
  delete faults.run;
  await infer({ feeds: { x: float(1, 2, 3) } });
  await settled();

  assert.deepEqual([seen.sessions.length, seen.destroyed], [2, 1]);
});

test("an error that a closed session tells late costs the open one nothing", async () => {
  const { infer, seen } = started();
  const feeds = { x: float(1, 2, 3) };
  await infer({ feeds });
  seen.failing[0]({ errMsg: "crashed" });
  await infer({ feeds });
  seen.failing[0]({ errMsg: "crashed, again" });
  await infer({ feeds });

  assert.deepEqual([seen.sessions.length, seen.destroyed], [2, 1]);
});

test("a run that never answers does not hold those behind it for ever", async () => {
  const { infer, faults, seen, timers } = started();
  const feeds = { x: float(1, 2, 3) };
  faults.run = new Promise(() => {});
  const first = refused(infer({ feeds }), "deadline-passed");
  while (!seen.runs.length) await settled();
  const second = infer({ feeds, timeoutMs: 600_000 });
  timers.pass(60_000);
  await first;
  delete faults.run;
  timers.pass(60_000);

  assert.equal((await second).taskName, "Rank");
  assert.deepEqual([seen.sessions.length, seen.destroyed], [2, 1]);
});

test("an engine that says nothing is waited for a minute, a call as long as it says", async () => {
  for (const [timeoutMs, code, text] of /** @type {const} */ ([
    [100, "deadline-passed", /in 100 ms/],
    [90_000, "inference-failed", /nothing in 60000 ms/],
  ])) {
    const { infer, faults, timers, seen } = started();
    faults.open = "silent";
    const running = refused(infer({ feeds: { x: float(1, 2, 3) }, timeoutMs }), code, text);
    while (!seen.sessions.length) await settled();
    timers.pass(60_000);
    await running;
    await settled();

    assert.deepEqual([seen.runs.length, seen.destroyed], [0, 1]);
  }
});

test("a run whose caller has given up does not begin", async () => {
  const { infer, faults, timers, seen } = started();
  /** @type {(value: unknown) => void} */
  let end = () => {};
  faults.run = new Promise((resolve) => (end = resolve));
  const first = infer({ feeds: { x: float(1, 2, 3) } }).catch(() => {});
  while (!seen.runs.length) await settled();
  const second = refused(
    infer({ feeds: { x: float(4, 5, 6) }, timeoutMs: 50 }),
    "deadline-passed",
    /in 50 ms/,
  );
  timers.pass(50);
  await second;
  end(new Error("over"));
  await first;
  await settled();

  assert.equal(seen.runs.length, 1);
});

test("int64 is narrowed where the catalogue says so, and each value is the same", async () => {
  const ids = { name: "x", dtype: "int32", shape: [null] };
  const feed = (/** @type {bigint[]} */ ...values) => ({
    feeds: { x: { dtype: "int64", shape: [values.length], data: new BigInt64Array(values) } },
  });
  const narrowing = started({
    inputs: [{ ...ids, narrowFrom: "int64" }],
    outputs: [{ ...ids, name: "y" }],
  });
  const { value } = await narrowing.infer(feed(1n, -2n, 2147483647n, -2147483648n));
  assert.deepEqual(
    /** @type {any} */ (value).y.data,
    new Int32Array([1, -2, 2147483647, -2147483648]),
  );

  for (const large of [2147483648n, -2147483649n, 4294967296n])
    await refused(
      narrowing.infer(feed(0n, large)),
      "tensor-invalid",
      /^x\[1\]: expected a value that int32 holds/,
    );
  await refused(
    started({ inputs: [ids] }).infer(feed(1n)),
    "tensor-invalid",
    /got int64\. Declare narrowFrom int64/,
  );
});

for (const [what, options, text] of /** @type {[string, any, RegExp][]} */ ([
  [
    "bool",
    { feeds: { x: { dtype: "bool", shape: [1, 3], data: new Uint8Array(3) } } },
    /got bool\. The native engine takes uint8, int8/,
  ],
  [
    "float16",
    { feeds: { x: { dtype: "float16", shape: [1, 3], data: new Uint16Array(3) } } },
    /got float16/,
  ],
  [
    "a shape of another size",
    { feeds: { x: { ...float(1, 2, 3), shape: [3, 1] } } },
    /expected shape \[1, 3\], got \[3,1\]/,
  ],
  [
    "bytes that do not fill the shape",
    { feeds: { x: float(1, 2) } },
    /expected 12 bytes for \[1,3\], got 8/,
  ],
  ["another name", { feeds: { z: float(1, 2, 3) } }, /expected x, got z/],
  ["no feed", {}, /expected x, got none/],
  ["too few numbers", { extData: { x: [1, 2] } }, /expected numbers for \[1, 3\], got 2/],
  [
    "a text among numbers",
    { extData: { x: [1, "2", 3] } },
    /^x\[1\]: expected a number that float32 holds, got 2/,
  ],
])) {
  test(`a feed of ${what} is refused before the model is fetched`, async () => {
    const { infer, seen } = started();

    await refused(infer(options), "tensor-invalid", text);
    assert.equal(seen.downloads, 0);
  });
}

test("numbers that an integer input would change are refused", async () => {
  const { infer } = started({ inputs: [{ name: "x", dtype: "uint8", shape: [null] }] });

  for (const value of [256, -1, 1.5])
    await refused(infer({ extData: { x: [value] } }), "tensor-invalid", /that uint8 holds/);
});

test("a Python task is refused, with where it runs", async () => {
  await refused(
    started().edge.infer({ systemCode: "shop", businessCode: "story" }),
    "feature-missing",
    /^Story: expected a task with a model of its own, got one in Python.*<web-view>/,
  );
});

test("calls that cannot be right, and what is not there", async () => {
  const { infer, edge, wx } = started();
  await refused(
    edge.infer({ systemCode: "shop", businessCode: "none" }),
    "task-unknown",
    /got shop\/none/,
  );
  await refused(edge.infer(/** @type {any} */ ({ systemCode: "" })), "argument-invalid");
  await refused(infer({ feeds: {}, extData: {} }), "argument-invalid", /infer\.feeds/);
  delete wx.createInferenceSession;
  await refused(
    infer({ feeds: { x: float(1, 2, 3) } }),
    "feature-missing",
    /base library 2\.30\.0/,
  );
});

test("outputs other than declared are refused", async () => {
  const feeds = { x: float(1, 2, 3) };
  await refused(
    started({ outputs: [{ ...SPEC, name: "z" }] }).infer({ feeds }),
    "inference-failed",
    /output z: expected float32, got none/,
  );
});

for (const [what, changes, text] of /** @type {[string, any, RegExp][]} */ ([
  [
    "int64",
    { inputs: [{ ...SPEC, dtype: "int64" }] },
    /inputs\.x\.dtype: .*got "int64"\. Export the model with int32/,
  ],
  [
    "float16",
    { outputs: [{ ...SPEC, dtype: "float16" }] },
    /outputs\.x\.dtype: .*precisionLevel below 3/,
  ],
  ["no digest", { sha256: undefined }, /models\.ranker\.sha256: expected 64 hex digits/],
  ["an unknown precision", { precisionLevel: 5 }, /precisionLevel: expected 0 to 4, got 5/],
  [
    "a narrowing that is none",
    { inputs: [{ ...SPEC, narrowFrom: "int64" }] },
    /narrowFrom: expected int64 at an int32 input/,
  ],
])) {
  test(`a catalogue with ${what} is refused, with what to do`, () => {
    assert.throws(
      () => createNativeEdge({ wx: createWx().wx, catalogue: catalogue(changes) }),
      (/** @type {any} */ error) => error.code === "config-invalid" && text.test(error.message),
    );
  });
}

test("a task of a model that is not there is refused", () => {
  const wrong = { ...catalogue(), models: {} };
  assert.throws(
    () => createNativeEdge({ wx: createWx().wx, catalogue: wrong }),
    /tasks\[0\]\.model: expected one of/,
  );
});

test("stop in the middle of a run refuses it, closes the model, and begins nothing more", async () => {
  const { infer, edge, faults, seen, timers } = started();
  /** @type {(value: unknown) => void} */
  let end = () => {};
  faults.run = new Promise((resolve) => (end = resolve));
  const feeds = { x: float(1, 2, 3) };
  const refusals = [infer({ feeds }), infer({ feeds })].map((run) =>
    refused(run, "runtime-stopped"),
  );
  while (!seen.runs.length) await settled();
  edge.stop();
  await Promise.all(refusals);
  end(new Error("over"));
  await settled();

  assert.deepEqual([seen.sessions.length, seen.runs.length, seen.destroyed], [1, 1, 1]);
  await refused(infer({ feeds }), "runtime-stopped");
  timers.pass(60_000);
});

test("the bundle needs nothing but the language and timers", async () => {
  const options = /** @type {const} */ ({
    bundle: true,
    write: false,
    format: "cjs",
    target: "es2018",
  });
  const entryPoints = [new URL("../../js_shim/miniprogram/native.js", import.meta.url).pathname];
  const code = buildSync({ ...options, entryPoints }).outputFiles[0].text;
  const module = { exports: /** @type {any} */ ({}) };
  vm.runInNewContext(code, { module, exports: module.exports, setTimeout, clearTimeout });
  const { wx } = createWx();
  const { createNativeEdge: create } = module.exports;

  const { value } = await create({ wx, catalogue: catalogue() }).infer({
    ...CODES,
    extData: { x: [1, 2, 3] },
  });
  assert.deepEqual(Array.from(value.y.data), [1, 2, 3]);
});
