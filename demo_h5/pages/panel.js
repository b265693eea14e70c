/** The live panel: what the runtime did, where and how fast. Asks for statistics only while it can be seen. */

import { byId, el, msOf } from "./dom.js";
import { t } from "./i18n.js";
import { factRows, modelRows, storeRows } from "./panel-rows.js";
import { breakerRows, laneRows, queueRows } from "./panel-scheduling.js";
import { ASIDE, call, listen } from "./runtime.js";

/** @import { Statistics } from "../../js_shim/statistics.js" */
/** @import { Notice } from "./types.js" */

const POLL_MS = 300;
const RUNS_SHOWN = 20;
const EVENTS_SHOWN = 60;
const INSPECTOR = "/edge/edge-inspector.mjs";

const panel = byId("panel");
const toggle = byId("panel-toggle");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let poll;

/** Wire the panel; it collects from now on and is closed. */
export function startPanel() {
  toggle.addEventListener("click", () => (panel.hidden ? open() : close()));
  byId("panel-close").addEventListener("click", close);
  byId("inspect").addEventListener("click", inspect);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("visibilitychange", () => (isSeen() ? refresh() : clearTimeout(poll)));
  listen(take);
}

const isSeen = () => !panel.hidden && document.visibilityState === "visible";

function open() {
  panel.hidden = false;
  document.body.dataset.panel = "open";
  toggle.setAttribute("aria-expanded", "true");
  byId("panel-close").focus();
  refresh();
}

function close() {
  clearTimeout(poll);
  panel.hidden = true;
  delete document.body.dataset.panel;
  toggle.setAttribute("aria-expanded", "false");
  toggle.focus();
}

/** Show the developer's inspector in the panel's place; its script comes when it is first asked for. */
async function inspect() {
  try {
    await import(INSPECTOR);
  } catch (error) {
    byId("panel-trouble").textContent = /** @type {Error} */ (error).message;
    return;
  }
  close();
  const inspector = /** @type {any} */ (
    document.querySelector("edge-inspector") ?? document.createElement("edge-inspector")
  );
  inspector.open = true;
  inspector.addEventListener("close", () => toggle.focus(), { once: true });
  document.body.append(inspector);
  inspector.focus();
}

async function refresh() {
  clearTimeout(poll);
  try {
    show(await call("statistics"));
    byId("panel-trouble").textContent = "";
  } catch (error) {
    byId("panel-trouble").textContent = /** @type {Error} */ (error).message;
  }
  clearTimeout(poll);
  // One question at a time: a runtime under load is not asked more often than it answers.
  if (isSeen()) poll = setTimeout(refresh, POLL_MS);
}

/** @param {Statistics} statistics */
function show({ queues, lanes, breakers, models, modelMemory, store }) {
  byId("panel-queues").replaceChildren(...queueRows(queues));
  byId("panel-lanes").replaceChildren(...laneRows(lanes));
  byId("panel-breakers").replaceChildren(...breakerRows(breakers));
  byId("panel-models").replaceChildren(...modelRows(models, modelMemory));
  byId("panel-store").replaceChildren(...storeRows(store));
}

/** @param {Notice} notice */
function take(notice) {
  if (notice.name === "status" && !ASIDE.includes(notice.body.state)) showStatus(notice.body);
  if (notice.name === "result") addRun(notice.body);
  addEvent(notice);
}

/** @param {any} body */
function showStatus(body) {
  const status = byId("status");
  status.dataset.state = body.state;
  const key = `state${body.state[0].toUpperCase()}${body.state.slice(1)}`;
  byId("status-text").dataset.i18n = key;
  byId("status-text").textContent = t(key);
  /** @type {[string, string][]} */
  const facts = [["state", body.state]];
  if (body.step) facts.push(["step", body.step]);
  if (body.boot) {
    facts.push(["mode", body.boot.mode], ["total", `${msOf(body.boot.totalMs)} ms`]);
    if (body.boot.coldReason) facts.push(["why cold", body.boot.coldReason]);
    for (const [step, ms] of Object.entries(body.boot.stepsMs ?? {})) {
      facts.push([`· ${step}`, `${msOf(/** @type {number} */ (ms))} ms`]);
    }
    facts.push(["cross-origin isolated", String(body.boot.crossOriginIsolated)]);
  }
  for (const problem of [body.error, ...(body.problems ?? [])]) {
    if (problem) facts.push([problem.code, problem.message]);
  }
  byId("panel-boot").replaceChildren(...factRows(facts));
}

/** @param {any} result */
function addRun(result) {
  const { queuedMs, runMs, inferMs, totalMs } = result.timings;
  const cells = [queuedMs, runMs, inferMs, totalMs].map((ms) => el("td", {}, msOf(ms)));
  const task = el("th", { scope: "row" }, result.taskName, el("small", {}, result.trigger));
  const row = el(
    "tr",
    { "data-testid": "panel-run", "data-task": result.taskName },
    task,
    ...cells,
  );
  const runs = byId("panel-runs");
  runs.prepend(row);
  while (runs.children.length > RUNS_SHOWN) runs.lastElementChild?.remove();
}

/** @param {Notice} notice */
function addEvent({ name, body, ts }) {
  const time = new Date(ts).toLocaleTimeString("en-GB", { hour12: false });
  const text = describe(name, body);
  const row = el(
    "li",
    { "data-testid": "panel-event", "data-kind": name },
    el("time", {}, time),
    el("b", {}, name),
    el("span", {}, text),
  );
  const events = byId("panel-events");
  events.prepend(row);
  while (events.children.length > EVENTS_SHOWN) events.lastElementChild?.remove();
}

/**
 * @param {string} name
 * @param {any} body
 */
function describe(name, body) {
  if (name === "status" && body.state === "model")
    return `${body.model} · ${megabytes(body.loadedBytes)} / ${megabytes(body.totalBytes)} MB`;
  if (name === "status")
    return [body.state, body.step ?? body.boot?.mode ?? body.store?.mode ?? body.role]
      .filter(Boolean)
      .join(" · ");
  if (name === "result")
    return `${body.taskName} · ${body.trigger} · ${msOf(body.timings.totalMs)} ms`;
  if (name === "error") return `${body.taskName}: ${body.error?.message ?? body.message}`;
  return `${body.level}: ${body.message}`;
}

/** @param {number | null | undefined} bytes */
const megabytes = (bytes) => (bytes ? (bytes / 2 ** 20).toFixed(1) : "–");
