/** Turns the runtime's statistics into rows of the live panel. */

import { el, msOf } from "./dom.js";

/** @import { ModelMemory, ModelStatistics, Plan } from "../../js_shim/statistics.js" */

/** @param {[string, string][]} facts */
export function factRows(facts) {
  return facts.map(([name, value]) =>
    el(
      "div",
      { class: "fact", "data-testid": "panel-fact", "data-fact": name },
      el("dt", {}, name),
      el("dd", {}, value),
    ),
  );
}

/**
 * Where each model runs, with what measuring found of the other ways to run it.
 * @param {Record<string, ModelStatistics>} models
 * @param {ModelMemory} memory
 */
export function modelRows(models, memory) {
  const used = Object.entries(models).filter(([, { runs }]) => runs > 0);
  const rows = used.flatMap(([name, { backend, inferMs, runs, plans }]) => {
    const where = [backend?.name, backend?.device, `× ${backend?.threads}`].filter(Boolean);
    /** @type {[string, string][]} */
    const facts = [[name, `${where.join(" ")} · p50 ${msOf(inferMs.p50)} ms, ${runs} runs`]];
    if (plans.length > 1) facts.push(...plans.map(planFact));
    for (const [refused, reason] of Object.entries(backend?.refused ?? {}))
      facts.push([`· ${refused}`, reason]);
    if (backend?.fallbackReason) facts.push(["↳", backend.fallbackReason]);
    return facts;
  });
  const taken = Object.entries(memory.heapBytes).map(([lane, bytes]) => `${lane} ${mega(bytes)}`);
  const budget = `${mega(memory.sessionsBytes)} / ${mega(memory.budgetBytes)}`;
  rows.push(["memory", [budget, ...taken].join(" · ")]);
  return factRows(rows);
}

/**
 * @param {Plan} plan
 * @returns {[string, string]}
 */
function planFact({ backend, precision, threads, ms, refused }) {
  return [`· ${backend} ${precision} × ${threads}`, refused ?? (ms ? `${msOf(ms)} ms` : "…")];
}

/** @param {number} bytes */
const mega = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;

/** @param {Record<string, any>} store */
export function storeRows(store) {
  return factRows([
    ["mode", [store.mode ?? "–", store.reason?.code].filter(Boolean).join(" · ")],
    ["events / keys", `${store.events ?? "–"} / ${store.keys ?? "–"}`],
    ["segments", `${store.segments ?? "–"} · ${kilobytes(store.bytes)}`],
    ["checkpoint", checkpoint(store.checkpoint)],
    ["last commit", `${msOf(store.lastCommitMs)} ms · ${store.pendingOps ?? 0} pending`],
    ["query p50 / p99", `${store.queryUs?.p50 ?? "–"} / ${store.queryUs?.p99 ?? "–"} µs`],
    ["generation", String(store.generation ?? "–")],
    ["quarantined", ranges(store.quarantined ?? [])],
  ]);
}

/** @param {{createdMs: number, rows: number, bytes: number} | null | undefined} found */
function checkpoint(found) {
  if (!found) return "–";
  const time = new Date(found.createdMs).toLocaleTimeString("en-GB", { hour12: false });
  return `${time} · ${found.rows} rows · ${kilobytes(found.bytes)}`;
}

/** @param {{store: string, first: string, last: string, reason: string}[]} damage */
function ranges(damage) {
  const texts = damage.map(({ store, first, last, reason }) =>
    [store, first === last ? first : `${first}–${last}`, reason].join(" "),
  );
  return texts.join(", ") || "0";
}

/** @param {number | undefined} bytes */
function kilobytes(bytes) {
  return bytes === undefined ? "–" : `${(bytes / 1024).toFixed(1)} kB`;
}
