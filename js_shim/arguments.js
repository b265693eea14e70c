/** Checks what a page passes in, so that mistakes are named before anything runs. */

import { EdgeError } from "./errors.js";
import { EVENT_LIMITS } from "./limits.js";

/** @typedef {[isRight: (value: any) => boolean, expected: string]} Kind */
/** @typedef {[...Kind, isRequired?: boolean]} Rule */
/** @typedef {Record<string, Rule>} Rules */

const REQUIRED = true;

const EVENT_TEXT = `text of 1 to ${EVENT_LIMITS.textChars} characters`;
const PRIORITIES = ["core", "regular", "low"];
const NAMES = ["result", "error", "status", "log", "event", "answer"];

/** @type {Rule} */
const CONFIG = [
  (value) => typeof value === "string" || isRecord(value),
  "a URL or an object",
  REQUIRED,
];
/** @type {Kind} */
const FLAG = [(value) => typeof value === "boolean", "a boolean"];
/** @type {Rule} */
const TEXT = [isText, "a string", REQUIRED];
/** @type {Kind} */
const OBJECT = [isRecord, "an object"];

/** @type {Rules} */
const START = {
  config: CONFIG,
  base: [(value) => typeof value === "string", "a URL"],
  capture: FLAG,
  exposure: FLAG,
  consent: FLAG,
  trace: FLAG,
  profile: FLAG,
  vms: [
    (value) => value === "auto" || (Number.isInteger(value) && value >= 0 && value <= 8),
    "auto or 0 to 8",
  ],
};

/** @type {Rules} */
const INFER = {
  systemCode: TEXT,
  businessCode: TEXT,
  extData: OBJECT,
  priority: [(value) => PRIORITIES.includes(value), "one of core, regular, low"],
  timeoutMs: [(value) => value > 0 && Number.isFinite(value), "milliseconds above 0"],
  signal: [(value) => value instanceof AbortSignal, "an AbortSignal"],
  supersedeKey: [isEventText, EVENT_TEXT],
};

/** @type {Rules} */
const EVENT = {
  type: [isEventText, EVENT_TEXT, REQUIRED],
  pageId: [isEventText, EVENT_TEXT, REQUIRED],
  clickId: [isEventText, EVENT_TEXT],
  pv: FLAG,
  props: OBJECT,
};

/**
 * @typedef {object} StartOptions
 * @property {string | Record<string, unknown>} config  URL of the configuration, or the configuration.
 * @property {string} [base]      URL of the folder with the runtime's files; default: where the script came from.
 * @property {boolean} [capture]  Capture page views, exits, clicks and exposures; default true.
 * @property {boolean} [exposure] Exposures: true looks for their markup all the time, false never; default: once a view finds some.
 * @property {boolean} [consent]  False: begin nothing and keep nothing before `consent(true)`; default true.
 * @property {boolean} [trace]    Keep a trace for `trace()`; for development, default false.
 * @property {number | "auto"} [vms]  Workers that run tasks, 0 to 8, instead of what the configuration says.
 * @property {boolean} [profile]  Results say where their time went (`profile`); for development, default false.
 */

/**
 * @typedef {object} InferOptions
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {Record<string, unknown>} [extData]  Plain data; Blob, ArrayBuffer and typed arrays allowed as values.
 * @property {"core" | "regular" | "low"} [priority]  Default: the task's own.
 * @property {number} [timeoutMs]                     The task's own timeout applies as well.
 * @property {AbortSignal} [signal]
 * @property {string} [supersedeKey]  Runs of a task with the same one supersede or join each other, if its `task.toml` says so.
 */

/**
 * @typedef {object} TrackOptions
 * @property {string} type
 * @property {string} pageId
 * @property {string} [clickId]
 * @property {boolean} [pv]       Default: true when there is no clickId.
 * @property {Record<string, unknown>} [props]
 */

/** @param {any} options @returns {StartOptions} */
export function checkStart(options) {
  record("start", options);
  // First: behind a misspelt name the right one is missing.
  const names = Object.keys(START);
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown) throw invalid(`start.${unknown}`, `one of ${names.join(", ")}`, options[unknown]);
  return checked("start", options, START);
}

/** @param {string} call @param {unknown} config */
export function checkConfig(call, config) {
  check(`${call}.config`, config, CONFIG);
}

/** @param {any} options @returns {InferOptions} */
export function checkInfer(options) {
  return checked("infer", options, INFER);
}

/** @param {any} event @returns {TrackOptions} */
export function checkTrack(event) {
  return checked("track", event, EVENT);
}

/** @param {any} name @param {any} listener */
export function checkOn(name, listener) {
  if (!NAMES.includes(name)) throw invalid("on.name", `one of ${NAMES.join(", ")}`, name);
  if (typeof listener !== "function") throw invalid("on.listener", "a function", listener);
}

/** @param {any} key @param {unknown} value @param {any} options @returns {{encrypted?: boolean}} */
export function checkPut(key, value, options) {
  checkKey("put", key);
  if (value === undefined) throw invalid("put.value", "a JSON-able value", value);
  record("put.options", options);
  const { encrypted } = options;
  // Unsaid, the configuration's rule for the key decides.
  if (encrypted === undefined) return {};
  checkBoolean("put.encrypted", encrypted);
  return { encrypted };
}

/**
 * @param {string} where
 * @param {string} url
 * @param {string | URL} base
 * @throws {EdgeError} argument-invalid
 */
export function absolute(where, url, base) {
  try {
    return new URL(url, base).href;
  } catch {
    throw invalid(where, "a URL", url);
  }
}

/**
 * Copy data whose moment is the call: its owner may change it while the runtime boots.
 * @template T
 * @param {string} where
 * @param {T} data
 * @returns {T}
 * @throws {EdgeError} argument-invalid
 */
export function copied(where, data) {
  try {
    return structuredClone(data);
  } catch (error) {
    const text = `${where}: expected plain data, got ${error}.`;
    throw new EdgeError("argument-invalid", text, { path: where }, error);
  }
}

/** @param {string} call @param {unknown} key */
export function checkKey(call, key) {
  check(`${call}.key`, key, TEXT);
  return /** @type {string} */ (key);
}

/** @param {string} where @param {unknown} value */
export function checkBoolean(where, value) {
  check(where, value, [...FLAG, REQUIRED]);
}

/**
 * @param {string} call
 * @param {any} options
 * @param {Rules} rules  In the order in which mistakes are told.
 */
function checked(call, options, rules) {
  record(call, options);
  for (const name of Object.keys(rules)) check(`${call}.${name}`, options[name], rules[name]);
  return options;
}

/** @param {string} where @param {unknown} value @param {Rule} rule */
function check(where, value, [isRight, expected, isRequired]) {
  if ((isRequired || value !== undefined) && !isRight(value)) throw invalid(where, expected, value);
}

/** @param {string} call @param {unknown} value */
function record(call, value) {
  check(call, value, [...OBJECT, REQUIRED]);
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === "string" && value !== "";
}

/**
 * Whether the core takes it: it counts characters, of which some are two units long.
 * @param {any} value
 */
function isEventText(value) {
  const { textChars } = EVENT_LIMITS;
  if (!isText(value) || value.length > 2 * textChars) return false;
  return value.length <= textChars || [...value].length <= textChars;
}

/** @param {unknown} value */
export function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} where
 * @param {string} expected
 * @param {unknown} got
 */
export function invalid(where, expected, got) {
  return new EdgeError("argument-invalid", `${where}: expected ${expected}, got ${shown(got)}.`, {
    path: where,
  });
}

/** @param {unknown} value */
function shown(value) {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
