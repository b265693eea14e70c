/** Shows what was read off a label: marks on the picture, the verdict, the lines. */

import { byId, el, msOf } from "./dom.js";
import { currentLanguage, t } from "./i18n.js";

/** @import { LabelFinding, LabelLine, LabelResult } from "./types.js" */

/** @type {LabelResult | null} */
let shown = null;
let hasRead = false;

/** @param {"empty" | "busy" | "done" | "failed"} state */
function setState(state) {
  byId("label-result").dataset.state = state;
  byId("label-picture").dataset.state = state;
}

/** Say that the picture is being read; what is shown stays until the answer. */
export function showReading() {
  setState("busy");
  byId("label-verdict").replaceChildren(el("b", {}, t("labelBusy")));
  byId("label-cost").textContent = hasRead ? "" : t("labelFirst");
}

/** Forget the marks of another picture. */
export function clearResult() {
  shown = null;
  byId("label-marks").replaceChildren();
  byId("label-lines").replaceChildren();
}

/** @param {LabelResult} answer */
export function showResult(answer) {
  shown = answer;
  hasRead = true;
  const { lines } = answer.value;
  const count = lines.reduce((sum, { findings }) => sum + findings.length, 0);
  const ms = msOf(answer.timings.totalMs);
  const infer = msOf(answer.timings.inferMs);
  const backend = answer.backend["text-recogniser"]?.name ?? answer.backend["text-detector"].name;
  Object.assign(byId("label-result").dataset, { findings: count, totalMs: ms, inferMs: infer });
  byId("label-result").dataset.backend = backend;
  byId("label-verdict").replaceChildren(...verdictOf(lines.length, count));
  byId("label-cost").textContent = t("labelDone", { ms, infer, backend });
  byId("label-marks").replaceChildren(...lines.flatMap(marksOf));
  byId("label-lines").replaceChildren(...lines.map(rowOf));
  setState("done");
}

/** Say the same in the other language. */
export function showResultAgain() {
  if (shown && byId("label-result").dataset.state === "done") showResult(shown);
}

/** @param {Error & {code?: string}} error */
export function showLabelFailure(error) {
  clearResult();
  setState("failed");
  const isPicture = error.code === "argument-invalid";
  byId("label-verdict").replaceChildren(
    el("b", {}, t("labelFailed")),
    el("span", {}, isPicture ? t("photoFailedHint") : t("photoLater")),
  );
  byId("label-cost").textContent = error.message;
}

/**
 * @param {number} lines
 * @param {number} count
 */
function verdictOf(lines, count) {
  byId("label-verdict").dataset.verdict = lines === 0 ? "none" : count === 0 ? "clean" : "banned";
  if (lines === 0) return [el("b", {}, t("labelNone"))];
  const text = count === 0 ? t("labelClean") : t("labelBanned", { count });
  return [el("b", {}, text), el("span", {}, t("labelRead", { lines }))];
}

/**
 * @param {LabelLine} line
 * @param {number} number
 */
function marksOf(line, number) {
  const words = line.findings.map(({ box }) => placed(el("span", { class: "mark word" }), box));
  const frame = el("button", {
    type: "button",
    class: "mark line",
    "aria-label": line.text,
    "data-percent": `${Math.round(line.confidence * 100)}%`,
    "data-banned": line.findings.length > 0 ? "" : undefined,
  });
  frame.addEventListener("click", () => point(number));
  return [placed(frame, line.box), ...words];
}

/**
 * @param {HTMLElement} mark
 * @param {number[]} box
 */
function placed(mark, [left, top, right, bottom]) {
  mark.style.setProperty("left", `${left * 100}%`);
  mark.style.setProperty("top", `${top * 100}%`);
  mark.style.setProperty("width", `${(right - left) * 100}%`);
  mark.style.setProperty("height", `${(bottom - top) * 100}%`);
  return mark;
}

/** Lead from a mark to its line. @param {number} number */
function point(number) {
  const row = byId("label-lines").children[number];
  row.scrollIntoView({ block: "nearest", behavior: "smooth" });
  row.classList.remove("pointed");
  requestAnimationFrame(() => row.classList.add("pointed"));
}

/** @param {LabelLine} line */
function rowOf(line) {
  const row = el(
    "li",
    {
      "data-testid": "label-line",
      "data-text": line.text,
      "data-banned": line.findings.map(({ word }) => word).join(" ") || undefined,
    },
    el("p", { class: "read" }, ...markedText(line)),
    el("span", { class: "percent" }, `${(line.confidence * 100).toFixed(1)}%`),
    ...line.findings.map(reasonOf),
  );
  return row;
}

/** @param {LabelLine} line */
function markedText({ text, findings }) {
  const characters = [...text];
  /** @type {(Node | string)[]} */
  const parts = [];
  let from = 0;
  for (const { start, end } of findings) {
    parts.push(characters.slice(from, start).join(""));
    parts.push(el("mark", {}, characters.slice(start, end).join("")));
    from = end;
  }
  return [...parts, characters.slice(from).join("")];
}

/** @param {LabelFinding} finding */
function reasonOf({ word, reason, reasonZh }) {
  const why = currentLanguage() === "zh" ? reasonZh : reason;
  return el("p", { class: "reason" }, el("b", {}, word), ` ${why}`);
}
