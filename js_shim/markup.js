/**
 * What a page's markup says about a click or an exposure: attributes alone, never text, never what a person typed.
 *
 * Read are `data-edge-page`, `-click`, `-expose`, `-props` (a JSON object) and `-ignore`, and of older markup `clstag`
 * and `report-eventid` with `report-eventparam` and `report-pagename`.
 */

import { isRecord } from "./arguments.js";

/** @typedef {{pageId: string, clickId?: string, pv: boolean, type: string, props?: Record<string, unknown>}} Captured */

export const TYPE = "mta";
export const IGNORED = "data-edge-ignore";

/**
 * Describe what happened to the first node of a path by its innermost marks; undefined where nothing is marked, or
 * something on the path is ignored.
 * @param {readonly any[]} path     Innermost node first, through shadow roots, as `event.composedPath()`.
 * @param {() => string} pageId     The page's id where the path names none.
 * @param {(message: string) => void} warn  Told of props that are no JSON object; the event counts without them.
 * @param {(node: any) => string | null | undefined} [idOf]
 * @returns {Captured | undefined}
 */
export function describe(path, pageId, warn, idOf = clickIdOf) {
  let clickId, marked, page;
  for (const node of path) {
    if (attribute(node, IGNORED) !== null) return undefined;
    page ||= attribute(node, "data-edge-page") || attribute(node, "report-pagename");
    if (!clickId && (clickId = idOf(node))) marked = node;
  }
  if (!clickId) return undefined;
  const props = propsOf(marked, warn);
  return { type: TYPE, pageId: page || pageId(), clickId, pv: false, ...(props && { props }) };
}

/** @param {any} node @returns {string | null | undefined} */
export function clickIdOf(node) {
  return (
    attribute(node, "data-edge-click") ||
    attribute(node, "report-eventid") ||
    // "pageclick|keycount|<module>|<number>": the first two say what kind of statistics it is for.
    attribute(node, "clstag")?.split("|").slice(2).join("|")
  );
}

/** @param {any} node */
export const exposureIdOf = (node) => attribute(node, "data-edge-expose") || clickIdOf(node);

/**
 * @param {any} node  Element, text node, shadow root, document or window.
 * @param {string} name
 * @returns {string | null}
 */
export function attribute(node, name) {
  // A form may have a field of that name, a page a function.
  const isElement = typeof node?.getAttribute === "function" && node !== globalThis;
  return isElement ? node.getAttribute(name) : null;
}

/**
 * @param {any} node
 * @param {(message: string) => void} warn
 * @returns {Record<string, unknown> | undefined}
 */
function propsOf(node, warn) {
  const own = attribute(node, "data-edge-props");
  const eventparam = attribute(node, "report-eventparam");
  const text = own || eventparam;
  if (!text) return undefined;
  try {
    const parsed = JSON.parse(text);
    if (isRecord(parsed)) return parsed;
  } catch {
    // Answered below, as JSON of another kind.
  }
  if (!own) return { eventparam };
  warn(`data-edge-props: expected a JSON object, got ${own.slice(0, 80)}. The event has no props.`);
  return undefined;
}
