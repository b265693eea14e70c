/** The real runtime on this device: does it start, how fast are a task, a model on each backend, the store. */

import { median, msText } from "./figures.js";

/** @import { Edge } from "../../../js_shim/types.js" */
/** @import { RunResult } from "../../../js_shim/protocol.js" */
/** @import { Finding, Step } from "./runner.js" */

const SCRIPT = "/edge/edge.js";
const CONFIG = "/device-check.json";
const CODES = { systemCode: "demo-shop", businessCode: "check" };
const BACKENDS = [
  ["wasm", "WebAssembly"],
  ["webgpu", "WebGPU"],
  ["webnn", "WebNN"],
];
const EMPTY_RUNS = 30;
const MODEL_RUNS = 10;
const PUTS = 10;
const EVENTS = 20;
const KEY = "ui.device-check";

/** @returns {Edge} */
const edge = () => /** @type {any} */ (window).EdgeAI;

/** @returns {Step[]}  In this order; what needs the runtime says so. */
export function benchSteps() {
  const models = BACKENDS.map(([backend, title]) => ({
    ...{ code: `m-${backend}`, name: `Model on ${title}`, needs: "boot" },
    // The first one waits for the model to come; an accelerator that hangs is not waited for as long.
    deadlineMs: backend === "wasm" ? 90_000 : 45_000,
    run: () => modelFinding(backend),
  }));
  return [
    { code: "load", name: "Script", deadlineMs: 20_000, run: loadScript },
    { code: "boot", name: "First start", deadlineMs: 120_000, needs: "load", run: boot },
    { code: "task", name: "Empty task", deadlineMs: 30_000, needs: "boot", run: emptyFinding },
    { code: "vms", name: "Tasks and store", deadlineMs: 20_000, needs: "boot", run: placeFinding },
    ...models,
    { code: "put", name: "Keep a value", deadlineMs: 20_000, needs: "boot", run: putFinding },
    { code: "flush", name: "Keep events", deadlineMs: 20_000, needs: "boot", run: flushFinding },
    { code: "warm", name: "Second start", deadlineMs: 60_000, needs: "boot", run: bootAgain },
    { code: "end", name: "Stop", deadlineMs: 10_000, needs: "boot", run: stopFinding },
  ];
}

/** Let go of a runtime that did not start, or did not stop; nobody waits for it. */
export function endBench() {
  if (typeof edge()?.stop === "function") edge().stop();
}

/** @returns {Promise<Finding>} */
function loadScript() {
  const askedMs = performance.now();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onerror = () => reject(new Error("edge.js did not come"));
    script.onload = () => {
      const isThere = typeof edge()?.start === "function";
      const value = msText(performance.now() - askedMs);
      if (isThere) resolve({ mark: "yes", value, short: value });
      else reject(new Error("edge.js did not run: this browser is too old"));
    };
    document.head.append(script);
  });
}

/** @param {(text: string) => void} progress @returns {Promise<Finding>} */
async function boot(progress) {
  /** @type {any} */
  let ready;
  const off = edge().on("status", (body) => {
    if (body.state === "ready") ready = body;
    else if (body.step) progress(`${body.state}: ${body.step}`);
  });
  try {
    const askedMs = performance.now();
    const started = edge().start({ config: CONFIG, capture: false });
    // A call makes it start now and not when the page is idle.
    await Promise.all([started, edge().flush()]);
    return bootFinding(ready, performance.now() - askedMs);
  } finally {
    off();
  }
}

/** @param {any} ready @param {number} tookMs @returns {Finding} */
function bootFinding(ready, tookMs) {
  const { mode, coldReason } = ready?.boot ?? {};
  const time = msText(tookMs);
  const problems = (ready?.problems ?? []).map((/** @type {any} */ { message }) => message);
  if (ready?.role === "follower") problems.push("another tab runs it: close that for true figures");
  const how = [mode, coldReason].filter(Boolean).join(": ");
  const value = [`${time} (${how})`, ...problems].join(". ");
  return { mark: "yes", value, short: `${time} ${mode}` };
}

/** @param {(text: string) => void} progress */
async function bootAgain(progress) {
  progress("stopping");
  await edge().stop();
  return boot(progress);
}

/** @returns {Promise<Finding>} */
async function stopFinding() {
  const value = msText(await timed(() => edge().stop()));
  return { mark: "yes", value, short: value };
}

/** @returns {Promise<Finding>} */
async function placeFinding() {
  const { vms, store, memory } = await edge().statistics();
  const where = vms.mode === "workers" ? `${vms.ready + vms.spare} VMs` : "the runtime's worker";
  const heap = `Python's heap ${Math.round(memory.pythonHeapBytes / 2 ** 20)} MB`;
  const mark = store.mode === "durable" ? "yes" : "no";
  const value = [where, vms.reason, heap, `store ${store.mode}`, store.reason?.code]
    .filter(Boolean)
    .join(", ");
  return { mark, value, short: `${vms.mode} ${store.mode}` };
}

/** @returns {Promise<Finding>} */
async function emptyFinding() {
  const times = [];
  for (let n = 0; n < EMPTY_RUNS; n++) times.push(await timed(() => edge().infer(CODES)));
  const value = msText(median(times));
  return { mark: "yes", value: `${value}, at most ${msText(Math.max(...times))}`, short: value };
}

/** @param {string} backend @returns {Promise<Finding>} */
async function modelFinding(backend) {
  const model = `check-${backend}`;
  const call = () => edge().infer({ ...CODES, extData: { model }, timeoutMs: 60_000 });
  const firstMs = await timed(call);
  /** @type {RunResult[]} */
  const results = [];
  for (let n = 0; n < MODEL_RUNS; n++) results.push(await call());
  const used = results[MODEL_RUNS - 1].backend[model];
  if (used.name !== backend) {
    const { refused = {}, fallbackReason } = used;
    return { mark: "no", value: refused[backend] ?? fallbackReason ?? `ran on ${used.name}` };
  }
  const value = msText(median(results.map(({ timings }) => timings.inferMs)));
  const where = [used.device, `${used.threads} thread${used.threads > 1 ? "s" : ""}`];
  const how = where.filter(Boolean).join(", ");
  return { mark: "yes", value: `${value} (${how}), first ${msText(firstMs)}`, short: value };
}

/** @returns {Promise<Finding>} */
async function putFinding() {
  const times = [];
  for (let n = 0; n < PUTS; n++) times.push(await timed(() => edge().put(KEY, n)));
  await edge().delete(KEY);
  const value = msText(median(times));
  return { mark: "yes", value, short: value };
}

/** @returns {Promise<Finding>} */
async function flushFinding() {
  for (let n = 0; n < EVENTS; n++) edge().track({ type: "check", pageId: "DeviceCheck" });
  const value = msText(await timed(() => edge().flush()));
  return { mark: "yes", value: `${value} for ${EVENTS}`, short: value };
}

/** @param {() => Promise<unknown>} action */
async function timed(action) {
  const beganMs = performance.now();
  await action();
  return performance.now() - beganMs;
}
