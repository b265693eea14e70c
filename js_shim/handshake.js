/** The greeting of a new worker: its Hello, our Start, one MessagePort. */

import { EdgeError } from "./errors.js";
import { PROTOCOL_VERSION } from "./protocol.js";

/**
 * Wait for a worker's Hello and hand it a port.
 * @param {Worker} worker
 * @param {unknown} options     What `Start` carries.
 * @param {number} deadlineMs
 * @returns {Promise<MessagePort>}
 * @throws {EdgeError} boot-failed (script missing or blocked) | boot-timeout | version-mismatch
 */
export function handshake(worker, options, deadlineMs) {
  return new Promise((resolve, reject) => {
    const expire = () =>
      finish(() =>
        reject(
          new EdgeError(
            "boot-timeout",
            `worker: expected a greeting within ${deadlineMs} ms, got none.`,
          ),
        ),
      );
    const timer = setTimeout(expire, deadlineMs);
    /** @param {() => void} settle */
    const finish = (settle) => {
      clearTimeout(timer);
      worker.onmessage = null;
      settle();
    };
    worker.onerror = (event) => finish(() => reject(scriptFailure(event)));
    worker.onmessage = ({ data }) => {
      if (data?.kind !== "hello") return;
      if (data.version !== PROTOCOL_VERSION)
        return finish(() => reject(versionMismatch(data.version)));
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ kind: "start", version: PROTOCOL_VERSION, port: port2, options }, [
        port2,
      ]);
      finish(() => resolve(port1));
    };
  });
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

/** @param {ErrorEvent} event */
function scriptFailure(event) {
  event.preventDefault?.();
  const got = event.message ? `an error in it (${event.message})` : "a missing or blocked file";
  return new EdgeError(
    "boot-failed",
    `worker script: expected it to load, got ${got}. Check that every file of the runtime is served and allowed by the page's policy.`,
  );
}

/** @param {unknown} version */
function versionMismatch(version) {
  const text = `worker: expected protocol version ${PROTOCOL_VERSION}, got ${version}. A half-updated cache: reload the page.`;
  return new EdgeError("version-mismatch", text);
}
