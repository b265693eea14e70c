/**
 * A page's worker that runs Python with the built core and commands victims: workers that have a store's databases
 * and keys. The tests bundle it as the build bundles the runtime worker.
 */

import { createSteps, startPython } from "../../../js_shim/boot.js";
import "../assets/old-store.js";
import { Victim } from "./victims.js";

const PREPARE = `
import asyncio
import importlib
import sys

import edge_runtime
from edge_runtime.host.browser.turns import install_turns

install_turns(asyncio.get_running_loop())
sys.path.insert(0, "/served")
# What the build leaves out of the core.
edge_runtime.__path__.append("/served/edge_runtime")
importlib.invalidate_caches()
importlib.import_module("tests.browser.victim.store_blows").run
`;

/**
 * Copy what the site serves into Python's file system.
 * @param {any} python
 * @param {string[]} files
 */
async function copyIn(python, files) {
  for (const file of files) {
    const response = await fetch(`/served/${file}`);
    if (!response.ok) throw new Error(`/served/${file}: status ${response.status}`);
    const path = `/served/${file}`;
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    python.FS.writeFile(path, new Uint8Array(await response.arrayBuffer()));
  }
}

/** @param {{root: string, files: string[]}} order */
async function prepared({ root, files }) {
  const { step } = createSteps(() => {});
  const { python } = await startPython(step, root, () => {});
  await copyIn(python, files);
  return python.runPythonAsync(PREPARE);
}

const victims = {
  take: () => new Victim(),
  /** @param {string} device */
  forget(device) {
    for (const name of ["edge-store", "edge-keys"]) indexedDB.deleteDatabase(`${name}-${device}`);
  },
  /** @param {string} device @param {string} oldJson */
  plant: (device, oldJson) =>
    /** @type {any} */ (self).plantOldStore(JSON.parse(oldJson), `-${device}`),
};
/** @type {Promise<any> | undefined} */
let run;

// The first order says what to load, the others what to do.
self.onmessage = async ({ data }) => {
  try {
    run ??= prepared(data);
    const answer = data.order ? await (await run)(victims, JSON.stringify(data.order)) : "null";
    self.postMessage({ answer: JSON.parse(answer) });
  } catch (error) {
    self.postMessage({ error: `${error.stack ?? error}` });
  }
};
