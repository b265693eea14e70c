/** The greeting of a new worker: its Hello, our Start, one MessagePort. */

import { EdgeError } from "./errors.js";
import { PROTOCOL_VERSION } from "./protocol.js";
import { realTimers } from "./timers.js";

/** @import { Timers } from "./timers.js" */

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
      if (data.version !== PROTOCOL_VERSION)
        return end(() => reject(versionMismatch(name, data.version)));
      end(() => resolve(sendStart(worker, options)));
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
    worker.postMessage({ kind: "start", version: PROTOCOL_VERSION, port: port2, options }, [port2]);
    return port1;
  } catch (error) {
    port1.close();
    const text = `start: expected plain data, got ${error}. Leave functions out of the configuration.`;
    throw new EdgeError("argument-invalid", text, {}, error);
  }
}

/**
 * The worker's side: greet, wait for Start, and hand its port and options on.
 * @param {(port: MessagePort, options: any) => void} onStart
 */
export function greet(onStart) {
  const scope = /** @type {any} */ (globalThis);
  scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
    if (data?.kind !== "start") return;
    scope.onmessage = null;
    onStart(data.port, data.options);
  };
  scope.postMessage({ kind: "hello", version: PROTOCOL_VERSION });
}

/**
 * @param {string} name
 * @param {number} deadlineMs
 */
function noGreeting(name, deadlineMs) {
  const text = `${name}: expected a greeting within ${deadlineMs} ms, got none. Check that the address serves the runtime's own file.`;
  return new EdgeError("boot-timeout", text, { url: name });
}

/**
 * @param {string} name
 * @param {ErrorEvent} event
 */
function scriptFailure(name, event) {
  event.preventDefault?.();
  const got = event.message ? `an error in it (${event.message})` : "a missing or blocked file";
  const text = `${name}: expected the worker to load, got ${got}. Check that every file of the runtime is served and allowed by the page's policy.`;
  return new EdgeError("boot-failed", text, { url: name });
}

/**
 * @param {string} name
 * @param {unknown} version
 */
function versionMismatch(name, version) {
  const text = `${name}: expected protocol version ${PROTOCOL_VERSION}, got ${version}. A half-updated cache: reload the page.`;
  return new EdgeError("version-mismatch", text, { expected: PROTOCOL_VERSION, got: version });
}

/**
 * The tab that runs Python speaks a higher version.
 * @param {number} version
 */
export function otherVersion(version) {
  const text = `protocol: expected version ${PROTOCOL_VERSION} in every tab, got ${version} in the one that runs Python. Reload this page.`;
  return new EdgeError("version-mismatch", text, { expected: PROTOCOL_VERSION, got: version });
}
