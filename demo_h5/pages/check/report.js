/** Rows as a report: what it comes to, as text for people, and short enough for a QR code. */

/** @import { Mark, Row } from "./runner.js" */

/** @typedef {{title: string, rows: Row[]}} Section */

/** @type {Record<Mark, string>} */
export const SIGNS = { yes: "✓", no: "✗", note: "·", wait: "…" };

/** Without these the runtime does less, and says so; they are no fault of the rest. */
const LIMITS = [
  "simd",
  "thr",
  "idb",
  "cry",
  "lock",
  "task",
  "vms",
  "m-wasm",
  "put",
  "flush",
].concat("warm", "end");
const QR_BYTES = 900;

/**
 * @param {Section[]} sections
 * @returns {{mark: Mark, text: string}}
 */
export function verdictOf(sections) {
  const rows = sections.flatMap((section) => section.rows);
  const isMissing = (/** @type {Row} */ { code, mark }) => LIMITS.includes(code) && mark === "no";
  const broken = rows.find(({ code, mark }) => ["load", "boot"].includes(code) && mark === "no");
  if (broken) return { mark: "no", text: `The runtime does not start here. ${broken.value}` };
  const missing = rows.filter(isMissing).map(({ name }) => name.replace("… ", "WebAssembly "));
  if (missing.length === 0) return { mark: "yes", text: "Everything works here." };
  return { mark: "note", text: `It works here, but not: ${missing.join(", ")}.` };
}

/**
 * @param {Section[]} sections
 * @param {{agent: string, atMs: number, version: string}} about
 */
export function reportText(sections, { agent, atMs, version }) {
  const names = sections.flatMap(({ rows }) => rows.map(({ name }) => name.length));
  const width = Math.max(0, ...names);
  const lines = sections.map(({ title, rows }) => {
    const lines = rows.map(
      ({ name, mark, value }) => `  ${SIGNS[mark]} ${name.padEnd(width)}  ${value}`,
    );
    return [title, ...lines].join("\n");
  });
  const head = `Device check ${new Date(atMs).toISOString()}, edge ${version}\n${agent}`;
  return `${[head, verdictOf(sections).text, ...lines].join("\n\n")}\n`;
}

/**
 * The same, a row as its code: `+` yes, `-` no, and the figure where there is one. Cut where no camera would read it.
 * @param {Section[]} sections
 * @param {{agent: string, atMs: number, version: string}} about
 */
export function shortText(sections, { agent, atMs, version }) {
  const rows = sections.flatMap((section) => section.rows);
  const short = rows.map(({ code, mark, short }) => {
    if (short) return `${code}=${short}`;
    return `${code}${{ yes: "+", no: "-", note: "", wait: "?" }[mark]}`;
  });
  const date = new Date(atMs).toISOString().slice(0, 16);
  const text = [`edge-check ${date} ${version}`, short.join(" "), agent].join("\n");
  return cutTo(text, QR_BYTES);
}

/** @param {string} text @param {number} maxBytes */
function cutTo(text, maxBytes) {
  let cut = text;
  while (new TextEncoder().encode(cut).length > maxBytes) cut = cut.slice(0, -10);
  return cut;
}
