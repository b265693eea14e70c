/** The record of `statistics()` as rows of short texts. */

import { bytesText, msText, orDash, percentilesText, timeText } from "./format.js";

/** @import { ModelStatistics, Plan, Statistics } from "../statistics.js" */

/** @typedef {[head: string, ...cells: string[]]} Row */
/** @typedef {[name: string, value: string]} Fact */

/** @param {Statistics["queues"]} queues @returns {Row[]} */
export function queueRows(queues) {
  return Object.entries(queues).map(([name, queue]) => [
    name,
    ...[queue.waiting, queue.running, queue.parked, queue.finished].map(String),
    ...[queue.refused, queue.cancelled + queue.superseded, queue.timedOut].map(String),
    percentilesText(queue.waitMs),
  ]);
}

/** @param {Statistics["lanes"]} lanes @returns {Row[]} */
export function laneRows(lanes) {
  return Object.entries(lanes).map(([name, { waiting, running, finished, waitMs }]) => [
    name,
    ...[waiting, running, finished].map(String),
    percentilesText(waitMs),
  ]);
}

/** @param {Statistics["breakers"]} breakers */
export function breakerRows(breakers) {
  return Object.entries(breakers).map(
    ([name, { state, calls, failures, slow, opens, retryAfterMs }]) => ({
      name,
      state,
      failed: `${failures} of ${calls}${slow > 0 ? `, ${slow} slow` : ""}`,
      opens: String(opens),
      retry: retryAfterMs > 0 ? msText(retryAfterMs) : "–",
    }),
  );
}

/** @param {Statistics["tasks"]} tasks @returns {Row[]} */
export function taskRows(tasks) {
  return Object.entries(tasks).map(([name, { version, runs, failures, strikes }]) => [
    name,
    version,
    ...[runs, failures, strikes].map(String),
  ]);
}

/** @param {ModelStatistics} model */
export function modelSummary({ backend, runs, inferMs, openMs }) {
  if (!backend) return "not used yet";
  const where = [backend.name, backend.device, `× ${backend.threads}`].filter(Boolean).join(" ");
  const times = `p50 / p99 ${percentilesText(inferMs)}`;
  return [where, times, `${runs} run${runs === 1 ? "" : "s"}`, `opened in ${msText(openMs)}`].join(
    " · ",
  );
}

/**
 * The ways to run a model, the slowest measured one as wide as can be.
 * @param {ModelStatistics} model
 */
export function planRows({ backend, plans }) {
  const slowestMs = plans.reduce((most, { ms }) => Math.max(most, ms ?? 0), 0) || 1;
  const rows = plans.map(({ backend: name, precision, threads, ms, refused }) => ({
    name: `${name} ${precision} × ${threads}`,
    verdict: verdictOf(ms, refused),
    isRefused: refused !== null,
    width: refused === null && ms ? (100 * ms) / slowestMs : 0,
  }));
  const told = Object.entries(backend?.refused ?? {}).filter(
    ([name]) => !plans.some((plan) => plan.refused !== null && plan.backend.startsWith(name)),
  );
  const others = told.map(([name, verdict]) => ({ name, verdict, isRefused: true, width: 0 }));
  return [...rows, ...others];
}

/** @param {Plan["ms"]} ms @param {Plan["refused"]} refused */
function verdictOf(ms, refused) {
  if (refused !== null) return refused;
  return ms === null ? "not measured yet" : msText(ms);
}

/** @param {Statistics} statistics @returns {Fact[]} */
export function modelFacts({ modelMemory, modelFiles }) {
  const { budgetBytes, sessionsBytes, heapBytes, evicted, recycled, killed } = modelMemory;
  const heaps = Object.entries(heapBytes).map(([lane, bytes]) => `${lane} ${bytesText(bytes)}`);
  const { files, bytes, hits, misses, resumed, mode, reason } = modelFiles;
  return [
    ["open models", `${bytesText(sessionsBytes)} of ${bytesText(budgetBytes)}`],
    ["engine heaps", heaps.join(", ") || "–"],
    ["evicted / recycled / killed", `${evicted} / ${recycled} / ${killed}`],
    ["files kept", `${files}, ${bytesText(bytes)} · ${[mode, reason].filter(Boolean).join(": ")}`],
    ["hits / misses / resumed", `${hits} / ${misses} / ${resumed}`],
  ];
}

/** @param {Statistics} statistics @returns {Fact[]} */
export function storeFacts({ store, memory }) {
  const { checkpoint, quarantined = [] } = store;
  return [
    ["mode", [store.mode, store.reason?.code].filter(Boolean).join(" · ") || "–"],
    ["events / keys", `${orDash(store.events)} / ${orDash(store.keys)}`],
    ["segments", `${orDash(store.segments)}, ${bytesText(store.bytes)} in storage`],
    ["checkpoint", checkpoint ? checkpointText(checkpoint) : "–"],
    ["last commit", `${msText(store.lastCommitMs)} · ${store.pendingOps ?? 0} pending`],
    ["queries p50 / p99", `${orDash(store.queryUs?.p50)} / ${orDash(store.queryUs?.p99)} µs`],
    ["opened in", msText(store.openMs)],
    ["writer generation", orDash(store.generation)],
    ["dropped / purged", `${store.droppedEvents ?? 0} / ${store.purgedEvents ?? 0} events`],
    ["quarantined", quarantined.map(damageText).join(", ") || "none"],
    ["last error", store.lastError?.message ?? "none"],
    ["Python heap", bytesText(memory?.pythonHeapBytes)],
  ];
}

/** @param {{createdMs: number, rows: number, bytes: number}} checkpoint */
function checkpointText({ createdMs, rows, bytes }) {
  return `${timeText(createdMs)} · ${rows} rows, ${bytesText(bytes)}`;
}

/** @param {{store: string, first: string, last: string, reason: string}} range */
function damageText({ store, first, last, reason }) {
  return `${store} ${first === last ? first : `${first}–${last}`} ${reason}`;
}
