/** In which app a page is, and whether in a mini-program: asked of objects, globals and the user agent, never of a script. */

import { realTimers } from "../timers.js";
import { HOSTS } from "./hosts.js";

/** @import { Timers } from "../timers.js" */
/** @import { AppName, Host } from "./hosts.js" */

/** @typedef {Record<string, any>} WindowLike  A window, or what a test has for one. */

/**
 * @typedef {object} Detection
 * @property {AppName | "none"} host
 * @property {boolean} isMiniProgram  False on a plain page in the same app.
 * @property {"object" | "global" | "ua" | "none"} confidence  The strongest that speaks for it: the vendor's object beside
 *   another sign, the host's own global, the user agent.
 * @property {Engine} engine
 */

/** @typedef {{name: "chromium" | "webkit" | "other", major: number | null}} Engine  Of WebKit: the iOS version. */

const ANSWER_MS = 300;
/** @type {Engine} */
const OTHER = { name: "other", major: null };

/**
 * Answer at once, from what is there now.
 * @param {WindowLike} [window]
 * @returns {Detection}
 */
export function detectHost(window = globalThis) {
  return detectionOf(window, hostOf(window));
}

/**
 * The same after the host's own answer, if it gives one in time: then that decides. Never rejects, never hangs.
 * @param {WindowLike} [window]
 * @param {{timers?: Timers, answerMs?: number}} [options]  `answerMs`: for the ready event and the answer together.
 * @returns {Promise<Detection>}
 */
export async function refineHost(window, options) {
  return (await askHost(window, options)).found;
}

/**
 * The same, and whether the host has given its answer.
 * @param {WindowLike} [window]
 * @param {{timers?: Timers, answerMs?: number, signal?: AbortSignal}} [options]  `signal`: nobody waits any more.
 * @returns {Promise<{found: Detection, isAnswered: boolean}>}
 */
export function askHost(
  window = globalThis,
  { timers = realTimers, answerMs = ANSWER_MS, signal } = {},
) {
  const row = hostOf(window);
  if (!row) return Promise.resolve({ found: detectionOf(window, row), isAnswered: false });
  return new Promise((resolve) => {
    /** @type {(() => void)[]} */
    const undo = [];
    const end = (/** @type {boolean | undefined} */ answer) => {
      undo.forEach((action) => action());
      const found = detectionOf(window, hostOf(window));
      const isAnswered = answer !== undefined;
      resolve({ found: isAnswered ? answered(found, answer) : found, isAnswered });
    };
    undo.push(timers.after(answerMs, () => end(undefined)));
    signal?.addEventListener("abort", () => end(undefined));
    undo.push(whenReady(window, row, () => ask(window, row, end)));
  });
}

/**
 * The row that fits, of a mini-program before one of a plain page in an app.
 * @param {WindowLike} window
 * @returns {Host | undefined}
 */
export function hostOf(window) {
  const rows = HOSTS.filter((row) => fits(window, row));
  return rows.find((row) => isMiniProgram(window, row)) ?? rows.find((row) => !row.needsApi);
}

/**
 * The vendor's object, once the page has loaded it and it can post messages.
 * @param {WindowLike} window
 * @param {Host} row
 * @returns {any}
 */
export function apiOf(window, row) {
  const api = row.api.reduce((/** @type {any} */ object, name) => read(object, name), window);
  return typeof read(api, "postMessage") === "function" ? api : undefined;
}

/**
 * Call `action` once when messages can be posted, now if they can, until the returned function is called.
 * @param {WindowLike} window
 * @param {Host} row
 * @param {() => void} action
 * @returns {() => void}
 */
export function whenReady(window, row, action) {
  if (!row.bridge || read(window, row.bridge)) return (action(), () => {});
  const { document } = window;
  const once = () => {
    stop();
    action();
  };
  const stop = () => document.removeEventListener(row.ready, once);
  document.addEventListener(row.ready, once);
  return stop;
}

/**
 * @param {WindowLike} window
 * @param {Host | undefined} row
 * @returns {Detection}
 */
function detectionOf(window, row) {
  const engine = engineOf(userAgent(window));
  if (!row) return { host: "none", isMiniProgram: false, confidence: "none", engine };
  const inside = isMiniProgram(window, row);
  return {
    host: row.name,
    isMiniProgram: inside,
    confidence: confidenceOf(window, row, inside),
    engine,
  };
}

/**
 * @param {WindowLike} window
 * @param {Host} row
 * @param {boolean} inside
 */
function confidenceOf(window, row, inside) {
  // A vendor's script puts its object on any page: alone it proves nothing.
  if (inside && apiOf(window, row)) return "object";
  return inside && isFlagged(window, row) ? "global" : "ua";
}

/**
 * @param {WindowLike} window
 * @param {Host} row
 */
function fits(window, row) {
  const ua = userAgent(window);
  if (row.foreign?.test(ua)) return false;
  return row.app.test(ua) || isFlagged(window, row);
}

/**
 * @param {WindowLike} window
 * @param {Host} row
 */
function isMiniProgram(window, row) {
  if (row.needsApi && !apiOf(window, row)) return false;
  if (row.absent?.some((name) => read(window, name) !== undefined)) return false;
  return isFlagged(window, row) || row.miniProgram.test(userAgent(window));
}

/**
 * @param {WindowLike} window
 * @param {Host} row
 */
function isFlagged(window, row) {
  return row.flag !== undefined && read(window, row.flag) === "miniprogram";
}

/**
 * @param {WindowLike} window
 * @param {Host} row
 * @param {(answer: boolean | undefined) => void} answer
 */
function ask(window, row, answer) {
  const api = apiOf(window, row);
  if (typeof read(api, "getEnv") !== "function") return answer(undefined);
  try {
    api.getEnv((/** @type {any} */ env) => answer(read(env, row.answer) === true));
  } catch {
    answer(undefined);
  }
}

/**
 * @param {Detection} found
 * @param {boolean} isMiniProgram
 * @returns {Detection}
 */
function answered(found, isMiniProgram) {
  return { ...found, isMiniProgram, confidence: "object" };
}

/** @param {WindowLike} window */
function userAgent(window) {
  return String(read(read(window, "navigator"), "userAgent") ?? "");
}

/** @param {string} ua @returns {Engine} */
function engineOf(ua) {
  const chromium = /\bChrom(?:e|ium)\/(\d+)/.exec(ua);
  if (chromium) return { name: "chromium", major: Number(chromium[1]) };
  // The number behind AppleWebKit is frozen.
  const ios = /\((?:iPhone|iPad|iPod)[^)]* OS (\d+)[_\d]* like Mac OS X/.exec(ua);
  if (ios) return { name: "webkit", major: Number(ios[1]) };
  return /AppleWebKit\//.test(ua) ? { name: "webkit", major: null } : OTHER;
}

/**
 * A getter of the page's may throw.
 * @param {any} object
 * @param {string} name
 */
function read(object, name) {
  try {
    return object?.[name];
  } catch {
    return undefined;
  }
}
