/** What the inspector draws: bars, tables, state, tabs; all of it data before it is markup. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesText, jsonText, msText } from "../../js_shim/inspector/format.js";
import { createJournal } from "../../js_shim/inspector/journal.js";
import { bootSteps, stateOf } from "../../js_shim/inspector/system.js";
import { breakerRows, planRows, queueRows } from "../../js_shim/inspector/tables.js";
import { tabByKey, tabNamed } from "../../js_shim/inspector/tabs.js";
import { overviewOf, partsOf, scaleOf } from "../../js_shim/inspector/timeline.js";
import { fetchTrace, traceName } from "../../js_shim/inspector/trace-file.js";
import { result } from "./inspector-notices.js";

test("the parts of a run stand one behind the other and fill its own time", () => {
  const timings = { queuedMs: 10, runMs: 90, inferMs: 30, laneMs: 0, totalMs: 100 };

  const parts = partsOf(timings, 200);

  assert.deepEqual(parts, [
    { kind: "queued", ms: 10, x: 0, width: 5 },
    { kind: "infer", ms: 30, x: 5, width: 15 },
    { kind: "code", ms: 60, x: 20, width: 30 },
  ]);
});

test("the overview is as long as it must be, and every bar lies in it", () => {
  const journal = createJournal();
  journal.take("result", result("Rank-a"), 100_000);
  journal.take("result", result("Look-b", { taskName: "Look" }), 104_000);

  const near = overviewOf(journal.runs, 104_000);
  const far = overviewOf(journal.runs, 110_000);
  const gone = overviewOf(journal.runs, 1_000_000);

  assert.deepEqual([near.spanMs, far.spanMs], [5_000, 15_000]);
  assert.deepEqual(
    near.lanes.map(({ task }) => task),
    ["Look", "Rank"],
  );
  for (const { bars } of near.lanes)
    for (const { x, width } of bars) assert.ok(x >= 0 && x + width <= 100);
  assert.deepEqual(gone.lanes, []);
  assert.equal(scaleOf(journal.runs), 10);
});

test("a queue's row has what was cancelled and superseded together", () => {
  const counts = { waiting: 1, running: 2, parked: 3, finished: 4, refused: 5, cancelled: 6 };
  const rest = { timedOut: 7, superseded: 8, joined: 0, overdue: 0 };
  const queue = { ...counts, ...rest, waitMs: { p50: 1.25, p99: null } };

  const [row] = queueRows(/** @type {any} */ ({ core: queue }));

  assert.deepEqual(row, ["core", "1", "2", "3", "4", "5", "14", "7", "1.3 ms / –"]);
});

test("a breaker says when it will let calls through", () => {
  const counts = { calls: 10, failures: 6, slow: 0, opens: 2 };
  const [open] = breakerRows({ Rank: { state: "open", ...counts, retryAfterMs: 2_500 } });

  assert.deepEqual([open.failed, open.opens, open.retry], ["6 of 10", "2", "2500 ms"]);
});

test("ways to run a model are as wide as they are slow; refused ones say why, once", () => {
  const plan = { precision: "fp32", threads: 1, ms: null, refused: null };
  const plans = [
    { ...plan, backend: "wasm", ms: 20 },
    { ...plan, backend: "webgpu", ms: 5 },
    { ...plan, backend: "webnn-cpu", refused: "wrong answers" },
  ];
  const refused = { webnn: "wrong answers", webgpu: "its fp16 file", other: "not offered" };
  const model = { backend: { name: "webgpu", threads: 1, refused }, plans };

  const rows = planRows(/** @type {any} */ (model));

  assert.deepEqual(
    rows.map(({ name, verdict, width }) => [name, verdict, width]),
    [
      ["wasm fp32 × 1", "20 ms", 100],
      ["webgpu fp32 × 1", "5.0 ms", 25],
      ["webnn-cpu fp32 × 1", "wrong answers", 0],
      ["webgpu", "its fp16 file", 0],
      ["other", "not offered", 0],
    ],
  );
});

test("the state is what was heard last; without a word, whoever answers is up", () => {
  const boot = { mode: "snapshot", crossOriginIsolated: false, stepsMs: {}, totalMs: 800 };
  const answer = /** @type {any} */ ({ role: "writer", paused: false, boot });

  assert.equal(stateOf({ state: "booting", step: "wasm" }, undefined).text, "booting · wasm");
  assert.equal(stateOf(undefined, undefined).state, "waiting");
  assert.equal(stateOf(undefined, answer).text, "ready · writer · snapshot · 800 ms");
  assert.equal(stateOf({ state: "ready" }, { ...answer, paused: true }).state, "paused");
  assert.equal(stateOf({ state: "stopped" }, answer).state, "stopped");
});

test("steps of a boot fill its time", () => {
  const boot = { mode: "cold", crossOriginIsolated: false, stepsMs: { wasm: 25, core: 75 } };

  const steps = bootSteps(/** @type {any} */ ({ ...boot, totalMs: 100 }));

  assert.deepEqual(
    steps.map(({ name, x, width }) => [name, x, width]),
    [
      ["wasm", 0, 25],
      ["core", 25, 75],
    ],
  );
});

test("arrow keys go round the tabs, and an unknown tab is the first", () => {
  assert.equal(tabByKey("runs", "ArrowLeft"), "log");
  assert.equal(tabByKey("log", "ArrowRight"), "runs");
  assert.equal(tabByKey("models", "Home"), "runs");
  assert.equal(tabByKey("models", "End"), "log");
  assert.equal(tabByKey("models", "a"), undefined);
  assert.equal(tabNamed("nonsense"), "runs");
});

test("figures are short", () => {
  assert.deepEqual(
    [msText(undefined), msText(0), msText(9.96), msText(12_345)].join(" | "),
    ["–", "0.0 ms", "10.0 ms", "12.3 s"].join(" | "),
  );
  assert.deepEqual(
    [bytesText(null), bytesText(12), bytesText(2048), bytesText(5 * 2 ** 20)],
    ["–", "12 B", "2.0 kB", "5.0 MB"],
  );
  assert.equal(jsonText(undefined), "");
});

test("without a trace the export says how to get one, and saves nothing", async () => {
  const refusal = Object.assign(new Error("no trace"), { code: "argument-invalid" });
  const refused = await fetchTrace(/** @type {any} */ ({ trace: () => Promise.reject(refusal) }));
  const kept = await fetchTrace(/** @type {any} */ ({ trace: async () => "{}\n{}\n" }));

  assert.equal(refused.text, "");
  assert.match(refused.said, /start\(\{trace: true\}\)/);
  assert.match(kept.said, /2 lines/);
  assert.equal((await fetchTrace(undefined)).text, "");
  assert.equal(traceName(0), "edge-trace-19700101T000000.jsonl");
});
