/** The panes that show the record of `statistics()`. */

import { html, nothing } from "lit";
import { bootFacts, bootSteps, downloadFacts, pageFacts, problemFacts, vmFacts } from "./system.js";
import {
  breakerRows,
  laneRows,
  modelFacts,
  modelSummary,
  planRows,
  queueRows,
  storeFacts,
  taskRows,
} from "./tables.js";
import { badge, barChart, empty, factList, figureTable, section } from "./view-parts.js";

/** @import { PlainError, StatusBody } from "../protocol.js" */
/** @import { ModelStatistics, Statistics } from "../statistics.js" */

const WAIT = "wait p50 / p99";
const QUEUE_HEADS = [
  "queue",
  "waiting",
  "running",
  "parked",
  "done",
  "refused",
  "cancelled",
].concat("timed out", WAIT);

/** @param {Statistics} statistics */
export function queuesPane({ queues, lanes, breakers, tasks }) {
  const laneHeads = ["lane", "waiting", "running", "done", WAIT];
  const taskHeads = ["task", "version", "runs", "failures", "strikes"];
  const loud = ["waiting", "running", "refused", "timed out", "failures", "strikes"];
  return html`${section("Queues", figureTable("Queues", QUEUE_HEADS, queueRows(queues), loud))}
  ${section("Lanes to the models", figureTable("Lanes", laneHeads, laneRows(lanes), loud))}
  ${section("Breakers", breakerTable(breakers))}
  ${section("Tasks", figureTable("Tasks", taskHeads, taskRows(tasks), loud))}`;
}

/** @param {Statistics["breakers"]} breakers */
function breakerTable(breakers) {
  const rows = breakerRows(breakers);
  if (rows.length === 0) return empty("none yet");
  return html`<table class="figures" aria-label="Breakers">
    <thead>
      <tr>
        ${["breaker", "state", "failed", "opened", "retry in"].map(
          (head) => html`<th scope="col">${head}</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ name, state, failed, opens, retry }) =>
          html`<tr data-breaker=${name}>
            <th scope="row">${name}</th>
            <td>${badge(state)}</td>
            ${[failed, opens, retry].map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** @param {Statistics} statistics @param {Iterable<StatusBody>} downloads */
export function modelsPane(statistics, downloads) {
  const models = Object.entries(statistics.models);
  const coming = downloadFacts(downloads);
  return html`${models.length === 0 ? empty("No models are configured.") : models.map(modelCard)}
  ${coming.length > 0 ? section("Downloads", factList(coming)) : nothing}
  ${section("Memory and files", factList(modelFacts(statistics)))}`;
}

/** @param {[string, ModelStatistics]} model */
function modelCard([name, model]) {
  const rows = planRows(model);
  const why = model.backend?.fallbackReason;
  return section(
    name,
    html`<p class="summary">${modelSummary(model)}</p>
      ${why ? html`<p class="summary">${why}</p>` : nothing}
      ${
        rows.length === 0
          ? nothing
          : html`<table class="plans" aria-label="Ways to run ${name}">
              <thead>
                <tr>
                  <th scope="col">backend</th>
                  <th scope="col">measured here, or why not used</th>
                </tr>
              </thead>
              <tbody>
                ${rows.map(planRow)}
              </tbody>
            </table>`
      }`,
  );
}

/** @param {ReturnType<typeof planRows>[0]} plan */
function planRow({ name, verdict, isRefused, width }) {
  const bar = width > 0 ? barChart([{ x: 0, width, kind: "infer" }]) : nothing;
  return html`<tr>
    <th scope="row">${name}</th>
    <td class=${isRefused ? "quiet" : nothing}>
      <span class="plan">${bar}<span>${verdict}</span></span>
    </td>
  </tr>`;
}

/** @param {Statistics} statistics */
export const storePane = (statistics) =>
  section("Store and memory", factList(storeFacts(statistics)));

/**
 * @param {Statistics} statistics
 * @param {StatusBody | undefined} status
 * @param {PlainError[]} problems
 */
export function systemPane(statistics, status, problems) {
  const wrong = problemFacts(status, problems);
  return html`${wrong.length > 0 ? section("Problems", factList(wrong)) : nothing}
  ${section("Boot", html`${factList(bootFacts(statistics))}${stepTable(statistics)}`)}
  ${section("VMs", factList(vmFacts(statistics)))}
  ${section("Page", factList(pageFacts(statistics)))}`;
}

/** @param {Statistics} statistics */
function stepTable({ boot }) {
  return html`<table class="plans steps" aria-label="Steps of the boot">
    <thead>
      <tr>
        <th scope="col">step</th>
        <th scope="col">time</th>
      </tr>
    </thead>
    <tbody>
      ${bootSteps(boot).map(
        ({ name, ms, x, width }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>
              <span class="plan">${barChart([{ x, width, kind: "code" }])}<span>${ms}</span></span>
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
