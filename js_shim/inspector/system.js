/** The runtime itself as rows: its state, its boot by steps, its VMs, the page's own counts. */

import { bytesText, msText, orDash } from "./format.js";

/** @import { BootReport, PlainError, StatusBody } from "../protocol.js" */
/** @import { Statistics } from "../statistics.js" */
/** @import { Fact } from "./tables.js" */

/**
 * The state in one line, as a screen reader is told it.
 * @param {StatusBody | undefined} status         The latest that was heard.
 * @param {Statistics | undefined} statistics     The latest answer: whoever answers is up.
 */
export function stateOf(status, statistics) {
  if (status && status.state !== "ready")
    return { state: status.state, text: [status.state, status.step].filter(Boolean).join(" · ") };
  if (!statistics) return { state: "waiting", text: "waiting for the runtime" };
  const { role, paused, boot } = statistics;
  const words = [paused ? "paused" : "ready", role, boot.mode, msText(boot.totalMs)];
  return { state: paused ? "paused" : "ready", text: words.join(" · ") };
}

/**
 * Steps of a boot, one behind the other, in percent of the whole.
 * @param {BootReport} boot
 */
export function bootSteps({ stepsMs, totalMs }) {
  const entries = Object.entries(stepsMs ?? {});
  const wholeMs = Math.max(
    totalMs,
    entries.reduce((sum, [, ms]) => sum + ms, 0),
    1,
  );
  let beforeMs = 0;
  return entries.map(([name, ms]) => {
    const x = (100 * beforeMs) / wholeMs;
    beforeMs += ms;
    return { name, ms: msText(ms), x, width: Math.max(0.6, (100 * ms) / wholeMs) };
  });
}

/** @param {Statistics} statistics @returns {Fact[]} */
export function bootFacts({ boot, role, uptimeMs }) {
  /** @type {Fact[]} */
  const facts = [
    ["mode", [boot.mode, boot.coldReason].filter(Boolean).join(": ")],
    ["total", msText(boot.totalMs)],
    ["role", role],
    ["up for", `${Math.round(uptimeMs / 1000)} s`],
    ["cross-origin isolated", boot.crossOriginIsolated ? "yes" : "no"],
  ];
  return facts;
}

/** @param {Statistics} statistics @returns {Fact[]} */
export function vmFacts({ vms }) {
  const { mode, reason, ready, spare, running, startMs, heapBytes, started, killed, recycled } =
    vms;
  return [
    ["mode", [mode, reason].filter(Boolean).join(": ")],
    ["ready / spare / running", `${ready} / ${spare} / ${running}`],
    ["latest start", msText(startMs)],
    ["heaps", heapBytes.map(bytesText).join(", ") || "–"],
    ["started / killed / recycled", `${started} / ${killed} / ${recycled}`],
  ];
}

/** @param {Statistics} statistics @returns {Fact[]} */
export function pageFacts({ page, triggers }) {
  return [
    ["events waiting / dropped", `${page.waiting} / ${page.dropped}`],
    ["calls refused on the page", orDash(page.refused)],
    ["triggers / matches", `${triggers.count} / ${triggers.matches}`],
  ];
}

/** @param {StatusBody | undefined} status @param {PlainError[]} problems @returns {Fact[]} */
export function problemFacts(status, problems) {
  const all = status?.error ? [status.error, ...problems] : problems;
  return all.map(({ code, message }) => [code, message]);
}

/** @param {Iterable<StatusBody>} downloads @returns {Fact[]} */
export function downloadFacts(downloads) {
  return [...downloads].map(({ model, loadedBytes, totalBytes }) => [
    String(model),
    `${bytesText(loadedBytes)} of ${bytesText(totalBytes)}`,
  ]);
}
