/** The device check: looks at the browser, runs the runtime on it, and ends with a report whatever happens. */

import { byId } from "../dom.js";
import { benchSteps, endBench } from "./bench.js";
import { capabilitySteps } from "./capabilities.js";
import { drawCode, drawRow, drawSection, drawVerdict } from "./draw.js";
import { reportText, shortText, verdictOf } from "./report.js";
import { runAtOnce, runInTurn } from "./runner.js";

/** @import { Row } from "./runner.js" */

/** @param {Row} row */
function told(row) {
  drawRow(row);
  if (row.mark === "wait") byId("status").textContent = `Checking: ${row.name}`;
}

async function check() {
  const { device, browser } = capabilitySteps();
  const bench = benchSteps();
  drawSection("Device", device);
  drawSection("Browser", browser);
  drawSection("Runtime", bench);
  const sections = [
    { title: "Device", rows: await runAtOnce(device, told) },
    { title: "Browser", rows: await runAtOnce(browser, told) },
    { title: "Runtime", rows: await runInTurn(bench, told) },
  ];
  endBench();
  return sections;
}

/** @param {Awaited<ReturnType<typeof check>>} sections */
function show(sections) {
  const { mark, text } = verdictOf(sections);
  const version = /** @type {any} */ (window).EdgeAI?.version ?? "none";
  const about = { agent: navigator.userAgent, atMs: Date.now(), version };
  const report = reportText(sections, about);
  drawVerdict(mark, text);
  drawCode(shortText(sections, about));
  byId("text").textContent = report;
  byId("status").textContent = "Finished.";
  byId("report").hidden = false;
  byId("copy").addEventListener("click", () => copy(report));
  byId("share").addEventListener("click", () => share(report));
  byId("share").hidden = typeof navigator.share !== "function";
  document.documentElement.dataset.check = "finished";
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    byId("status").textContent = "Copied.";
  } catch {
    // Many web-views forbid it: the text stands there to be selected.
    byId("text-details").setAttribute("open", "");
    getSelection()?.selectAllChildren(byId("text"));
    byId("status").textContent = "Selected: copy it by hand.";
  }
}

/** @param {string} text  Whoever closes the sheet has changed their mind, which is no error. */
function share(text) {
  navigator.share({ title: "Device check", text }).catch(() => {});
}

check().then(show);
