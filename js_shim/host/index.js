/** The browser as Python sees it: one plain object of functions per port. */

import { join } from "../plain.js";
import * as clock from "./clock.js";
import { Crypto } from "./crypto.js";
import * as images from "./images.js";
import { Inference } from "./inference.js";
import { createInterpreter } from "./interpreter.js";
import { Machines } from "./machines.js";
import * as network from "./network.js";
import { ModelFiles } from "./model-files.js";
import { createPackages } from "./packages.js";
import { unsealWith, verify } from "./signatures.js";
import { Storage } from "./storage.js";

/** @import { HostPage, Reply } from "../term.js" */

const CRYPTO = ["openRoot", "deleteRoot", "createKey", "loadKey", "seal", "unseal"];
const NOTES = ["readNote", "writeNote", "erase"];

/**
 * Build the object that `edge_runtime.host.browser` wraps into ports.
 * @param {any} python     The Pyodide instance.
 * @param {string} root    URL of the dist folder, with a slash at its end.
 * @param {HostPage} page  The way to the pages.
 * @param {Reply} reply
 */
export function createJsHost(python, root, page, reply) {
  const storage = new Storage();
  const crypto = new Crypto();
  const files = new ModelFiles();
  const inference = new Inference(`${root}${__INFERENCE_WORKER__}`, files);
  const machines = new Machines(`${root}${__VM_WORKER__}`);
  const packages = createPackages(python, `${root}${__PYODIDE_DIR__}/`);
  return {
    clock,
    storage: bound(storage, ["open", "get", "read", "write", "close", "erase"]),
    crypto: { ...bound(crypto, [...CRYPTO, ...NOTES]), unsealWith, verify },
    network,
    inference: {
      ...bound(inference, ["probe", "open", "run", "release", "close"]),
      ...bound(files, ["erase"]),
    },
    images,
    interpreter: createInterpreter(python, (name) => packages.load([name])),
    machines: {
      isAvailable: machines.isAvailable,
      ...bound(machines, ["start"]),
      shipped: packages.shipped,
    },
    page: {
      /**
       * @param {string} name
       * @param {string} json
       * @param {Uint8Array[]} buffers
       * @param {string | null} [client]  None: every page.
       */
      notify: (name, json, buffers, client) => page.notify(name, join(json, buffers), client),
      superseded: () => page.superseded(),
      /** @param {string} reason */
      replaceWorker: (reason) => page.replaceWorker(reason),
      watchRun: page.watchRun,
    },
    reply,
    /** What Python does not know of; not for Python. */
    statistics: async () => ({ modelFiles: await files.statistics() }),
    /** End the workers that this host started, and what it holds of the database; not for Python. */
    end() {
      inference.stop();
      machines.stop();
      storage.close();
    },
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
