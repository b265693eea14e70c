/** The report on the page: rows as they come, then the text and its QR code. */

import { encode } from "uqr";
import { byId, el } from "../dom.js";
import { SIGNS } from "./report.js";

/** @import { Mark, Row, Step } from "./runner.js" */

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<Mark, string>} */
const WORDS = { yes: "yes", no: "no", note: "noted", wait: "waiting" };

/**
 * @param {string} title
 * @param {Step[]} steps  A row of each, waiting.
 */
export function drawSection(title, steps) {
  const rows = steps.map(({ code, name }) =>
    el(
      "tr",
      { "data-code": code },
      el("th", { scope: "row" }, name),
      el("td", { class: "mark" }),
      el("td", { class: "value" }),
    ),
  );
  const heads = ["What", "State", "Found"].map((head) => el("th", { scope: "col" }, head));
  const head = el("thead", { class: "hidden" }, el("tr", {}, ...heads));
  const id = `section-${title.toLowerCase()}`;
  const table = el("table", { "aria-labelledby": id }, head, el("tbody", {}, ...rows));
  byId("sections").append(el("section", {}, el("h2", { id }, title), table));
  for (const { code, name } of steps) drawRow({ code, name, mark: "wait", value: "" });
}

/** @param {Row} row */
export function drawRow({ code, mark, value }) {
  const row = document.querySelector(`tr[data-code="${code}"]`);
  row?.setAttribute("data-mark", mark);
  const sign = el("span", { "aria-hidden": "true" }, SIGNS[mark]);
  const word = el("span", { class: "hidden" }, WORDS[mark]);
  row?.querySelector(".mark")?.replaceChildren(sign, word);
  row?.querySelector(".value")?.replaceChildren(value);
}

/** @param {Mark} mark @param {string} text */
export function drawVerdict(mark, text) {
  const verdict = byId("verdict");
  verdict.dataset.mark = mark;
  verdict.textContent = text;
}

/** @param {string} text */
export function drawCode(text) {
  const { size, data } = encode(text, { ecc: "L", border: 3 });
  const squares = data.flatMap((row, y) =>
    row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")),
  );
  const code = byId("code");
  code.setAttribute("viewBox", `0 0 ${size} ${size}`);
  code.replaceChildren(
    shape("rect", { width: String(size), height: String(size), fill: "#fff" }),
    shape("path", { d: squares.join(""), fill: "#000" }),
  );
}

/** @param {string} name @param {Record<string, string>} attributes */
function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
