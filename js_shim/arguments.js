/** Checks what a page passes in, so that mistakes are named before anything runs. */

import { EdgeError } from "./errors.js";
import { EVENT_LIMITS } from "./limits.js";

const PRIORITIES = ["core", "regular", "low"];
const NAMES = ["result", "error", "status", "log", "event", "answer"];
const START_FLAGS = ["capture", "exposure", "consent", "trace", "profile"];
const START_OPTIONS = ["config", "base", ...START_FLAGS, "vms"];
const EVENT_TEXT = `text of 1 to ${EVENT_LIMITS.textChars} characters`;

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
  const unknown = Object.keys(options).find((key) => !START_OPTIONS.includes(key));
  if (unknown)
    throw invalid(`start.${unknown}`, `one of ${START_OPTIONS.join(", ")}`, options[unknown]);
  const { config, base, vms } = options;
  checkConfig("start", config);
  if (base !== undefined && typeof base !== "string") throw invalid("start.base", "a URL", base);
  for (const flag of START_FLAGS)
    if (options[flag] !== undefined) checkBoolean(`start.${flag}`, options[flag]);
  if (![undefined, "auto"].includes(vms) && !(Number.isInteger(vms) && vms >= 0 && vms <= 8))
    throw invalid("start.vms", "auto or 0 to 8", vms);
  return options;
}

/** @param {string} call @param {unknown} config */
export function checkConfig(call, config) {
  if (typeof config !== "string" && !isRecord(config))
    throw invalid(`${call}.config`, "a URL or an object", config);
}

/** @param {any} options @returns {InferOptions} */
export function checkInfer(options) {
  record("infer", options);
  const { systemCode, businessCode, extData, priority, timeoutMs, signal, supersedeKey } = options;
  if (!isText(systemCode)) throw invalid("infer.systemCode", "a string", systemCode);
  if (!isText(businessCode)) throw invalid("infer.businessCode", "a string", businessCode);
  if (extData !== undefined && !isRecord(extData))
    throw invalid("infer.extData", "an object", extData);
  if (priority !== undefined && !PRIORITIES.includes(priority)) {
    throw invalid("infer.priority", `one of ${PRIORITIES.join(", ")}`, priority);
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    throw invalid("infer.timeoutMs", "milliseconds above 0", timeoutMs);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalid("infer.signal", "an AbortSignal", signal);
  if (supersedeKey !== undefined && !isEventText(supersedeKey))
    throw invalid("infer.supersedeKey", EVENT_TEXT, supersedeKey);
  return options;
}

/** @param {any} event @returns {TrackOptions} */
export function checkTrack(event) {
  record("track", event);
  const { type, pageId, clickId, pv, props } = event;
  if (!isEventText(type)) throw invalid("track.type", EVENT_TEXT, type);
  if (!isEventText(pageId)) throw invalid("track.pageId", EVENT_TEXT, pageId);
  if (clickId !== undefined && !isEventText(clickId))
    throw invalid("track.clickId", EVENT_TEXT, clickId);
  if (pv !== undefined) checkBoolean("track.pv", pv);
  if (props !== undefined && !isRecord(props)) throw invalid("track.props", "an object", props);
  return event;
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
  if (!isText(key)) throw invalid(`${call}.key`, "a string", key);
  return key;
}

/** @param {string} where @param {unknown} value */
export function checkBoolean(where, value) {
  if (typeof value !== "boolean") throw invalid(where, "a boolean", value);
}

/** @param {string} call @param {unknown} value */
function record(call, value) {
  if (!isRecord(value)) throw invalid(call, "an object", value);
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
