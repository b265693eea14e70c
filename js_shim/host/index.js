/** The browser as Python sees it: one plain object of functions per port. */

import { join } from "../plain.js";
import * as clock from "./clock.js";
import { Crypto } from "./crypto.js";
import * as images from "./images.js";
import { Inference } from "./inference.js";
import * as network from "./network.js";
import { createPackages } from "./packages.js";
import { Storage } from "./storage.js";

/** @import { Rpc } from "../rpc.js" */

/**
 * Build the object that `edge_runtime.host.browser` wraps into ports.
 * @param {any} python   The Pyodide instance.
 * @param {string} root  URL of the dist folder, with a slash at its end.
 * @param {Rpc} rpc      The way to the page.
 * @param {(id: number, json: string, buffers: Uint8Array[]) => void} reply
 */
export function createJsHost(python, root, rpc, reply) {
  const storage = new Storage();
  const crypto = new Crypto();
  const inference = new Inference(`${root}${__INFERENCE_WORKER__}`);
  return {
    clock,
    storage: bound(storage, ["open", "read", "write", "close", "erase"]),
    crypto: bound(crypto, ["ensureKey", "seal", "unseal"]),
    network,
    inference: bound(inference, ["open", "run", "release"]),
    images,
    packages: createPackages(python),
    page: {
      /** @param {string} name @param {string} json @param {Uint8Array[]} buffers */
      notify: (name, json, buffers) => rpc.notify(name, join(json, buffers)),
    },
    reply,
    description: {
      userAgent: navigator.userAgent,
      crossOriginIsolated: Boolean(globalThis.crossOriginIsolated),
      deviceMemoryGb: /** @type {any} */ (navigator).deviceMemory ?? null,
      cores: navigator.hardwareConcurrency ?? null,
      buildId: __BUILD_ID__,
    },
  };
}

/**
 * @param {any} object
 * @param {string[]} methods
 */
function bound(object, methods) {
  return Object.fromEntries(methods.map((name) => [name, object[name].bind(object)]));
}
