/** The shop's line to the runtime: works before edge.js is there, and when it never comes. */

/** @import { Notice } from "./types.js" */

/** States that tell of a running runtime, whose own state stays what it was. */
export const ASIDE = ["store", "role", "model"];

const root = document.documentElement;
/** @type {Set<(notice: Notice) => void>} */
const listeners = new Set();

const isLoaded = () => typeof window.EdgeAI.infer === "function";

const loaded = new Promise((resolve, reject) => {
  const script = document.querySelector("script[data-config]");
  const lost = () => reject(new Error("edge.js: expected the script to load, got a failure."));
  if (isLoaded()) resolve(undefined);
  else if (root.dataset.edgeState === "missing") lost();
  script?.addEventListener("load", resolve);
  script?.addEventListener("error", lost);
});
// A page without the runtime is a page that works; only callers of `call` hear of it.
loaded.catch(() => {});

/**
 * Call a method of the public API once it is there.
 * @param {string} method
 * @param {...unknown} args
 * @returns {Promise<any>}
 */
export async function call(method, ...args) {
  await loaded;
  return window.EdgeAI[method](...args);
}

/**
 * Run a task. Its result is also told to listeners, as those of triggered runs are.
 * @param {string} businessCode
 * @param {Record<string, unknown>} extData
 * @param {{signal?: AbortSignal, supersedeKey?: string, priority?: string}} [options]
 */
export async function infer(businessCode, extData, options = {}) {
  const body = await call("infer", {
    systemCode: "demo-shop",
    businessCode,
    extData,
    ...options,
  });
  tell({ name: "result", body, ts: Date.now() });
  return body;
}

/**
 * Hear every notice of the runtime, also those from before this call.
 * @param {(notice: Notice) => void} listener
 */
export function listen(listener) {
  for (const notice of window.shopNotices.backlog) listener(notice);
  if (root.dataset.edgeState === "missing") {
    listener({ name: "status", body: { state: "missing" }, ts: Date.now() });
  }
  listeners.add(listener);
}

/** @param {Notice} notice */
function tell(notice) {
  for (const listener of listeners) listener(notice);
}

/** Start passing notices on, and mirror the state as `<html data-edge-state>`. */
export function connect() {
  listen(({ name, body }) => {
    if (name === "status" && !ASIDE.includes(body.state)) root.dataset.edgeState = body.state;
  });
  window.shopNotices.tell = tell;
}
