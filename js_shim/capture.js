/**
 * Page views and clicks as event records, without touching the page's own handling.
 *
 * Markup: `data-edge-page`, `data-edge-click`, `data-edge-props` (a JSON object). Only these attributes are
 * read, never what a person typed.
 */

/** @typedef {{pageId: string, clickId?: string, pv: boolean, type: string, props?: Record<string, unknown>}} Captured */

const TYPE = "mta";

/**
 * Describe a click by its path, innermost element first; undefined when nothing on it is marked.
 * @param {readonly any[]} path     `event.composedPath()`.
 * @param {() => string} pageId     The page's id where the path names none.
 * @param {(message: string) => void} warn  Told of props that are no JSON object; the click counts without them.
 * @returns {Captured | undefined}
 */
export function describeClick(path, pageId, warn) {
  const marked = path.find((node) => attribute(node, "data-edge-click") !== null);
  if (!marked) return undefined;
  const page = path.find((node) => attribute(node, "data-edge-page") !== null);
  return {
    type: TYPE,
    pageId: page ? attribute(page, "data-edge-page") : pageId(),
    clickId: attribute(marked, "data-edge-click"),
    pv: false,
    ...props(attribute(marked, "data-edge-props"), warn),
  };
}

/**
 * Listen until the returned function is called.
 * @param {(event: Captured) => void} track
 * @param {(message: string) => void} warn
 * @returns {() => void}
 */
export function startCapture(track, warn) {
  const stopping = new AbortController();
  const options = { capture: true, passive: true, signal: stopping.signal };
  const click = (/** @type {Event} */ event) => {
    try {
      const captured = describeClick(event.composedPath(), currentPageId, warn);
      if (captured) track(captured);
    } catch (error) {
      warn(`click not captured: ${error}`);
    }
  };
  const view = () => track({ type: TYPE, pageId: currentPageId(), pv: true });
  const unhook = watchRoute(view, stopping.signal);
  window.addEventListener("click", click, options);
  window.addEventListener("pageshow", (event) => event.persisted && view(), options);
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", view, { ...options, once: true });
  } else view();
  return () => {
    stopping.abort();
    unhook();
  };
}

function currentPageId() {
  const marked = document.querySelector("[data-edge-page]");
  return marked?.getAttribute("data-edge-page") ?? location.pathname;
}

/**
 * Call `view` after each change of the address other than its hash.
 * @param {() => void} view
 * @param {AbortSignal} signal
 */
function watchRoute(view, signal) {
  let seen = location.href.split("#")[0];
  const changed = () => {
    const now = location.href.split("#")[0];
    if (now === seen || signal.aborted) return;
    seen = now;
    // The page usually renders after it changed the address: look at its markup in the next turn.
    setTimeout(() => signal.aborted || view());
  };
  window.addEventListener("popstate", changed, { signal });
  const restores = ["pushState", "replaceState"].map((name) => wrap(name, changed));
  return () => restores.forEach((restore) => restore());
}

/**
 * Call `after` behind a method of history; the returned function undoes it if nobody wrapped ours since.
 * @param {string} name
 * @param {() => void} after
 */
function wrap(name, after) {
  const history = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window.history));
  const own = Object.getOwnPropertyDescriptor(history, name);
  const original = history[name];
  /** @this {History} @param {unknown[]} args */
  const wrapped = function (...args) {
    const result = original.apply(this, args);
    after();
    return result;
  };
  history[name] = wrapped;
  return () => {
    if (history[name] !== wrapped) return;
    if (own) Object.defineProperty(history, name, own);
    else delete history[name];
  };
}

/**
 * @param {any} node  Element, text node, shadow root, document or window.
 * @param {string} name
 * @returns {any}
 */
function attribute(node, name) {
  return typeof node?.getAttribute === "function" ? node.getAttribute(name) : null;
}

/**
 * @param {string | null} text
 * @param {(message: string) => void} warn
 * @returns {{props?: Record<string, unknown>}}
 */
function props(text, warn) {
  if (!text) return {};
  try {
    const parsed = JSON.parse(text);
    if (Object.prototype.toString.call(parsed) === "[object Object]") return { props: parsed };
  } catch {
    // Said below, as for JSON of another kind.
  }
  warn(
    `data-edge-props: expected a JSON object, got ${text.slice(0, 80)}. The click has no props.`,
  );
  return {};
}
