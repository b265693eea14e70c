/** The panes of events, with the runs that they asked for, and of log lines. */

import { html } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { msText, timeText } from "./format.js";
import { badge, empty } from "./view-parts.js";

/** @import { shownEvents } from "./filters.js" */
/** @import { Line, Run } from "./journal.js" */

const SHOWN = 200;

/** @typedef {ReturnType<typeof shownEvents>} Joined */

/** @param {Joined} events  Newest first. */
export function eventsPane(events) {
  if (events.length === 0) return empty("No events yet. What this page tracks appears here.");
  return html`<table class="list" aria-label="Events">
    <thead>
      <tr>
        <th scope="col">event</th>
        <th scope="col">matched</th>
      </tr>
    </thead>
    <tbody>
      ${repeat(events.slice(0, SHOWN), ({ event }) => event.key, eventRow)}
    </tbody>
  </table>`;
}

/** @param {Joined[0]} joined */
function eventRow({ event, runs }) {
  const { atMs, type, where, pv, props } = event;
  return html`<tr>
    <th scope="row">
      <b>${where}</b>
      <small>${timeText(atMs)} · ${type}${pv ? " · view" : ""}</small>
      ${props === "{}" ? "" : html`<code>${props}</code>`}
    </th>
    <td>${runs.length === 0 ? html`<span class="quiet">–</span>` : runs.map(matched)}</td>
  </tr>`;
}

/** @param {Run} run */
const matched = ({ task, outcome, timings }) =>
  html`<span class="match"
    >${task} ${badge(outcome)}
    ${timings ? html`<small>${msText(timings.totalMs)}</small>` : ""}</span
  >`;

/** @param {Line[]} lines  Newest first. */
export function logPane(lines) {
  if (lines.length === 0) return empty("Nothing was logged yet.");
  return html`<table class="list log" aria-label="Log">
    <thead>
      <tr>
        <th scope="col">line</th>
        <th scope="col">level</th>
      </tr>
    </thead>
    <tbody>
      ${repeat(lines.slice(0, SHOWN), ({ key }) => key, lineRow)}
    </tbody>
  </table>`;
}

/** @param {Line} line */
function lineRow({ atMs, level, task, runId, message }) {
  const whose = [timeText(atMs), task, runId].filter(Boolean).join(" · ");
  return html`<tr>
    <th scope="row">
      <pre>${message}</pre>
      <small>${whose}</small>
    </th>
    <td>${badge(level)}</td>
  </tr>`;
}
