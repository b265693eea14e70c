/** The pane of runs: when they were, and where each one's time went. */

import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { msText, timeText } from "./format.js";
import { overviewOf, partsOf, scaleOf } from "./timeline.js";
import { badge, barChart, empty, factList } from "./view-parts.js";

/** @import { Run } from "./journal.js" */
/** @import { Fact } from "./tables.js" */

const SHOWN = 150;
const PARTS = ["queued", "lane", "infer", "code"];

/**
 * @typedef {object} RunsView
 * @property {Run[]} runs               Newest first.
 * @property {number} nowMs             Unix time at the right edge.
 * @property {Set<number>} opened       Keys of runs whose details are shown.
 * @property {(key: number) => void} toggle
 */

/** @param {RunsView} view */
export function runsPane({ runs, nowMs, opened, toggle }) {
  if (runs.length === 0)
    return empty("No runs yet. Runs of events, and calls of this page, appear here.");
  const shown = runs.slice(0, SHOWN);
  const scaleMs = scaleOf(shown);
  const rowOf = (/** @type {Run} */ run) => runRows(run, scaleMs, opened.has(run.key), toggle);
  return html`${overview(runs, nowMs)}
    <table class="runs" aria-label="Runs">
      <thead>
        <tr>
          <th scope="col">task</th>
          <th scope="col">outcome</th>
          <th scope="col">time</th>
          <th scope="col" class="number">total</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(shown, ({ key }) => key, rowOf)}
      </tbody>
    </table>
    ${runs.length > SHOWN ? empty(`${runs.length - SHOWN} older ones are not shown.`) : nothing}`;
}

/** @param {Run[]} runs @param {number} nowMs */
function overview(runs, nowMs) {
  const { spanMs, lanes } = overviewOf(runs, nowMs);
  const barsOf = (/** @type {(typeof lanes)[0]["bars"]} */ bars) =>
    bars.map(({ x, width, outcome }) => ({ x, width, kind: outcome }));
  return html`<div class="overview" aria-hidden="true">
      ${lanes.map(
        ({ task, bars }) =>
          html`<span class="lane-name">${task}</span>
            <span class="track">${barChart(barsOf(bars))}</span>`,
      )}
      <span></span><span class="axis"><span>−${spanMs / 1000} s</span><span>now</span></span>
    </div>
    <p class="legend" aria-hidden="true">
      ${PARTS.map((part) => html`<span><i class=${part}></i>${part}</span>`)}
    </p>`;
}

/**
 * @param {Run} run
 * @param {number} scaleMs
 * @param {boolean} isOpen
 * @param {(key: number) => void} toggle
 */
function runRows(run, scaleMs, isOpen, toggle) {
  const { key, task, outcome, timings, trigger, endMs } = run;
  const parts = timings ? partsOf(timings, scaleMs) : [];
  const said = parts.map(({ kind, ms }) => `${kind} ${msText(ms)}`).join(", ");
  const bar = timings ? barChart(parts, said || "no time at all") : run.error?.code;
  return html`<tr class="run" data-outcome=${outcome} data-task=${task}>
      <th scope="row">
        <button class="row" aria-expanded=${isOpen} @click=${() => toggle(key)}>
          ${task}<small>${timeText(endMs)} · ${trigger}</small>
        </button>
      </th>
      <td>${badge(outcome)}</td>
      <td class="timeline">${bar}</td>
      <td class="number">${msText(timings?.totalMs ?? durationOf(run))}</td>
    </tr>
    ${
      isOpen
        ? html`<tr class="details">
            <td colspan="4">${factList(detailsOf(run))}</td>
          </tr>`
        : nothing
    }`;
}

/** @param {Run} run  A call that failed took its time, too. */
const durationOf = ({ startMs, endMs }) => (endMs > startMs ? endMs - startMs : null);

/** @param {Run} run @returns {Fact[]} */
function detailsOf({ runId, error, timings, backends, waitedFor, fallback }) {
  /** @type {Fact[]} */
  const facts = [["run", runId || "none"]];
  if (error) facts.push([error.code, error.message]);
  if (timings)
    for (const [name, ms] of Object.entries(timings))
      facts.push([name.replace("Ms", ""), msText(ms)]);
  if (backends) facts.push(["backend", backends]);
  if (waitedFor) facts.push(["waited for", waitedFor]);
  if (fallback) facts.push(["fallback", fallback]);
  return facts;
}
