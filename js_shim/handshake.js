/** The greeting of a new worker: its Hello, our Start, one MessagePort. */

import { EdgeError } from "./errors.js";
import { PROTOCOL_VERSION } from "./protocol.js";
import { isForeign } from "./script-url.js";
import { realTimers } from "./timers.js";

/** @import { Hello, Start } from "./protocol.js" */
/** @import { Timers } from "./timers.js" */

/** Of the same build both sides say the same; a protocol may have changed without its version. */
const OWN = {
  version: PROTOCOL_VERSION,
  // Not there where the sources run as they are.
  build: typeof __BUILD_ID__ === "string" ? __BUILD_ID__ : "",
};

/**
 * @typedef {object} Greeting
 * @property {string} name         URL of the worker's script, for messages.
 * @property {unknown} options     What `Start` carries.
 * @property {number} deadlineMs
 * @property {Timers} [timers]
 */

/**
 * Wait for a worker's Hello and hand it a port.
 * @param {Worker} worker
 * @param {Greeting} greeting
 * @returns {Promise<MessagePort>}
 * @throws {EdgeError} boot-failed (script missing or blocked) | boot-timeout | version-mismatch |
 *   argument-invalid (options that cannot be cloned)
 */
export function handshake(worker, { name, options, deadlineMs, timers = realTimers }) {
  return new Promise((resolve, reject) => {
    const forget = timers.after(deadlineMs, () => end(() => reject(noGreeting(name, deadlineMs))));
    /** @param {() => void} settle */
    function end(settle) {
      forget();
      worker.onmessage = null;
      worker.onerror = null;
      settle();
    }
    worker.onerror = (event) => end(() => reject(scriptFailure(name, event)));
    worker.onmessage = ({ data }) => {
      if (data?.kind !== "hello") return;
      const mismatch = mismatchOf(name, data);
      end(() => (mismatch ? reject(mismatch) : resolve(sendStart(worker, options))));
    };
  });
}

/**
 * @param {Worker} worker
 * @param {unknown} options
 */
async function sendStart(worker, options) {
  const { port1, port2 } = new MessageChannel();
  try {
    worker.postMessage({ ...OWN, kind: "start", port: port2, options }, [port2]);
    return port1;
  } catch (error) {
    port1.close();
    const text = `start: expected plain data, got ${error}. Leave functions out.`;
    throw new EdgeError("argument-invalid", text, {}, error);
  }
}

/**
 * The worker's side: greet, wait for Start, and hand its port and options on.
 *
 * A Start of another version, by a creator that did not look at ours, is thrown: that creator hears of it as a crash.
 * @param {(port: MessagePort, options: any) => void} onStart
 */
export function greet(onStart) {
  const scope = /** @type {any} */ (globalThis);
  scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
    if (data?.kind !== "start") return;
    scope.onmessage = null;
    const mismatch = mismatchOf("start", data);
    if (mismatch) throw mismatch;
    onStart(data.port, data.options);
  };
  scope.postMessage({ ...OWN, kind: "hello" });
}

/**
 * @param {string} name
 * @param {number} deadlineMs
 */
function noGreeting(name, deadlineMs) {
  const text = `${name}: expected a greeting within ${deadlineMs} ms, got none. ${adviceFor(name)}`;
  return new EdgeError("boot-timeout", text, { url: name });
}

/**
 * @param {string} name
 * @param {ErrorEvent} event
 */
function scriptFailure(name, event) {
  event.preventDefault?.();
  const got = event.message ? `an error in it (${event.message})` : "a missing or blocked file";
  const text = `${name}: expected the worker to load, got ${got}. ${adviceFor(name)}`;
  return new EdgeError("boot-failed", text, { url: name });
}

/** @param {string} name */
function adviceFor(name) {
  if (!isForeign(name))
    return "Check that every file of the runtime is served and allowed by the page's policy.";
  const { origin } = new URL(name);
  return `Serve it with Access-Control-Allow-Origin, and allow blob: in worker-src, ${origin} in script-src and connect-src.`;
}

/**
 * @param {string} name
 * @param {Hello | Start} said
 */
function mismatchOf(name, { version, build }) {
  if (version !== OWN.version) return mismatch(name, "protocol version", OWN.version, version);
  return build === OWN.build ? undefined : mismatch(name, "build", OWN.build, build);
}

/**
 * @param {string} name
 * @param {string} what
 * @param {unknown} expected
 * @param {unknown} got
 */
function mismatch(name, what, expected, got) {
  const text = `${name}: expected ${what} ${expected}, got ${got}: reload the page, or publish all files of one build together.`;
  return new EdgeError("version-mismatch", text, { expected, got });
}

/**
 * The tab that runs Python speaks a higher version.
 * @param {number} version
 */
export function otherVersion(version) {
  const text = `protocol: expected version ${PROTOCOL_VERSION} in every tab, got ${version} in the one that runs Python. Reload this page.`;
  return new EdgeError("version-mismatch", text, { expected: PROTOCOL_VERSION, got: version });
}
