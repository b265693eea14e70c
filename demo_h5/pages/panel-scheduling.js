/** The scheduler in the live panel: queues, lanes to the inference workers, and breakers. */

import { el, msOf } from "./dom.js";
import { t } from "./i18n.js";

/** @import { BreakerStatistics, LaneStatistics, QueueStatistics } from "../../js_shim/statistics.js" */

/** @param {Record<string, QueueStatistics>} queues */
export function queueRows(queues) {
  return Object.entries(queues).map(([name, queue]) =>
    row("queue", name, [
      busy(queue.waiting, "wait"),
      busy(queue.running, "run"),
      String(queue.finished),
      busy(queue.refused, "refused"),
      percentiles(queue.waitMs),
    ]),
  );
}

/** @param {Record<string, LaneStatistics>} lanes */
export function laneRows(lanes) {
  return orNone(Object.entries(lanes), ([name, lane]) =>
    row("lane", name, [
      busy(lane.waiting, "wait"),
      busy(lane.running, "run"),
      String(lane.finished),
      "",
      percentiles(lane.waitMs),
    ]),
  );
}

/** @param {Record<string, BreakerStatistics>} breakers */
export function breakerRows(breakers) {
  return orNone(Object.entries(breakers), ([name, breaker]) =>
    el(
      "tr",
      { "data-testid": "panel-breaker", "data-breaker": name },
      el("th", { scope: "row" }, name),
      el("td", {}, el("span", { class: "state", "data-state": breaker.state }, breaker.state)),
      el("td", {}, `${breaker.failures} / ${breaker.calls}`),
      el("td", {}, breaker.retryAfterMs > 0 ? seconds(breaker.retryAfterMs) : "–"),
    ),
  );
}

/**
 * @param {string} kind
 * @param {string} name
 * @param {(Node | string)[]} cells
 */
function row(kind, name, cells) {
  const attributes = { "data-testid": `panel-${kind}`, [`data-${kind}`]: name };
  const head = el("th", { scope: "row" }, name);
  return el("tr", attributes, head, ...cells.map((cell) => el("td", {}, cell)));
}

/**
 * @template T
 * @param {T[]} all
 * @param {(each: T) => HTMLElement} rowOf
 */
function orNone(all, rowOf) {
  if (all.length > 0) return all.map(rowOf);
  return [el("tr", {}, el("th", { scope: "row" }, t("noData")))];
}

/**
 * A count that stands out while it is not zero.
 * @param {number} count
 * @param {"wait" | "run" | "refused"} what
 */
function busy(count, what) {
  return count > 0 ? el("b", { "data-busy": what }, String(count)) : "0";
}

/** @param {QueueStatistics["waitMs"]} wait */
const percentiles = ({ p50, p99 }) => `${msOf(p50)} / ${msOf(p99)}`;

/** @param {number} durationMs */
const seconds = (durationMs) => `${(durationMs / 1000).toFixed(1)} s`;
