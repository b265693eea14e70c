/** Turns the runtime's statistics into rows of the live panel. */

import { el, msOf } from "./dom.js";
import { t } from "./i18n.js";

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

/** @param {Record<string, any>} models  `backend` is a name or a BackendReport. */
export function modelRows(models) {
  const rows = Object.entries(models).flatMap(([name, model]) => {
    const backend = typeof model.backend === "string" ? { name: model.backend } : model.backend;
    const threads = backend?.threads ? ` × ${backend.threads}` : "";
    const speed = `p50 ${msOf(model.inferMs?.p50)} ms, ${model.runs} runs`;
    /** @type {[string, string][]} */
    const facts = [[name, `${backend?.name ?? "–"}${threads} · ${speed}`]];
    if (backend?.fallbackReason) facts.push(["↳", backend.fallbackReason]);
    return facts;
  });
  return factRows(rows.length ? rows : [[t("noData"), ""]]);
}

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
