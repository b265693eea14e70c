/** Pieces of the inspector's panes. What is drawn to scale is SVG: its attributes need no inline style. */

import { html, nothing, svg } from "lit";

/** @import { TemplateResult } from "lit" */
/** @import { Fact, Row } from "./tables.js" */

/** @typedef {{x: number, width: number, kind: string}} Span  Percent of the width; the kind is a colour's. */

/**
 * @param {string} title
 * @param {unknown} content
 */
export const section = (title, content) =>
  html`<section class="part">
    <h3>${title}</h3>
    ${content}
  </section>`;

/** @param {string} text */
export const empty = (text) => html`<p class="empty">${text}</p>`;

/** @param {Fact[]} facts */
export const factList = (facts) =>
  html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

/**
 * A table of figures; a number that asks for attention stands out while it is not 0.
 * @param {string} label
 * @param {string[]} heads
 * @param {Row[]} rows
 * @param {string[]} [loud]  Heads of columns whose figures ask for attention.
 */
export function figureTable(label, heads, rows, loud = []) {
  if (rows.length === 0) return empty("none yet");
  const isLoud = (/** @type {number} */ column, /** @type {string} */ value) =>
    loud.includes(heads[column]) && value !== "0";
  return html`<div class="wide" tabindex="0" role="group" aria-label=${label}>
    <table class="figures" aria-label=${label}>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, ...cells]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${cells.map(
                (cell, at) =>
                  html`<td class=${isLoud(at + 1, cell) ? "loud" : nothing}>${cell}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/**
 * Bars to scale; what they say stands beside them, or in `label`.
 * @param {Span[]} spans
 * @param {string} [label]  None: decoration.
 */
export function barChart(spans, label) {
  const bars = spans.map(
    ({ x, width, kind }) =>
      svg`<rect x="${x}%" y="0" width="${width}%" height="100%" rx="1.5" class=${kind}></rect>`,
  );
  return label
    ? html`<svg class="bar" role="img" aria-label=${label}>${bars}</svg>`
    : html`<svg class="bar" aria-hidden="true">${bars}</svg>`;
}

/** @param {string} kind @param {string} [text] */
export const badge = (kind, text = kind) => html`<span class="badge ${kind}">${text}</span>`;

/** @typedef {TemplateResult} View */
