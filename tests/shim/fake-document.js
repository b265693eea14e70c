/** The few parts of a document that capture asks for, and events without an engine. */

/** @import { TestContext } from "node:test" */
/** @import { Capturing } from "../../js_shim/capture.js" */
/** @import { Captured } from "../../js_shim/markup.js" */

/**
 * An element, or whatever else has `getAttribute`.
 * @param {Record<string, string>} [attributes]
 * @param {Record<string, unknown>} [properties]
 * @returns {any}
 */
export const element = (attributes = {}, properties = {}) => ({
  getAttribute: (/** @type {string} */ name) => attributes[name] ?? null,
  attributes,
  ...properties,
});

const ADDRESS = "https://shop.example/home";

/**
 * A document of these elements, with timers that the test moves, and what capture listens to by its name.
 * @param {TestContext} t
 */
export function fakeDocument(t) {
  /** @type {Captured[]} */
  const tracked = [];
  /** @type {string[]} */
  const warnings = [];
  /** @type {Record<string, (event: any) => void>} */
  const heard = {};
  const stopping = new AbortController();
  const document = { visibilityState: "visible", readyState: "complete", elements: [element()] };
  const location = new URL(ADDRESS);
  const window = { history: fakeHistory(location) };
  const marked = (/** @type {string} */ name) =>
    document.elements.filter((each) => each.getAttribute(name) !== null);
  const finders = {
    // Selectors are the browser's matter: what they begin with is enough here.
    querySelectorAll: (/** @type {string} */ selector) =>
      marked(/data-edge-\w+/.exec(selector)?.[0] ?? ""),
    querySelector: (/** @type {string} */ selector) =>
      finders.querySelectorAll(selector)[0] ?? null,
  };
  const globals = { document: Object.assign(document, finders), location, window };
  Object.assign(globalThis, globals);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => {
    for (const name of Object.keys(globals)) delete (/** @type {any} */ (globalThis)[name]);
  });
  /** @type {Capturing} */
  const capturing = {
    track: (event) => void tracked.push(event),
    warn: (message) => void warnings.push(message),
    signal: stopping.signal,
    guarded: (action) => action,
    listen: (_target, name, action) => void (heard[name] = action),
  };
  const pass = (/** @type {number} */ ms) => t.mock.timers.tick(ms);
  return { capturing, tracked, warnings, heard, stopping, document, location, window, pass };
}

/** @param {URL} location */
function fakeHistory(location) {
  const go = (
    /** @type {unknown} */ _state,
    /** @type {string} */ _title,
    /** @type {string} */ url,
  ) => {
    location.href = new URL(url, location).href;
    return "returned";
  };
  // As in a browser, where the methods are the prototype's.
  return Object.create({ pushState: go, replaceState: go });
}
