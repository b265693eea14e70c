/**
 * A page's worker that keeps the contract to the browser's own parts: Python from the built snapshot, the real
 * host around it, and every suite run inside. The tests bundle it as the build bundles the runtime worker.
 */

import { createSteps, startPython } from "../../js_shim/boot.js";
import { createJsHost } from "../../js_shim/host/index.js";

/** @typedef {{kind: "suites" | "files" | "models" | "pictures", name: string}} Served */

const RUN = `
import asyncio
import importlib
import json
import sys
from pathlib import Path

from edge_runtime.host.browser.ports import browser_host
from edge_runtime.host.browser.turns import install_turns

install_turns(asyncio.get_running_loop())
Path("/served/suites").rename("/served/contract")
sys.path.insert(0, "/served")
importlib.invalidate_caches()
run_in_pyodide = importlib.import_module("contract.run_in_pyodide")


def bodies(kind, base=""):
    return {base + path.name: path.read_bytes() for path in Path("/served", kind).iterdir()}


fixtures = run_in_pyodide.Fixtures(bodies("files", files_base), bodies("models"), bodies("pictures"), files_base.replace("files/", "echo"))
json.dumps(await run_in_pyodide.run_all(browser_host(js_host), fixtures, begins))
`;

/**
 * Copy what the site serves into Python's file system.
 * @param {any} python
 * @param {Served[]} served
 */
async function copyIn(python, served) {
  for (const { kind, name } of served) {
    const response = await fetch(`/${kind}/${name}`);
    if (!response.ok) throw new Error(`/${kind}/${name}: status ${response.status}`);
    python.FS.mkdirTree(`/served/${kind}`);
    python.FS.writeFile(`/served/${kind}/${name}`, new Uint8Array(await response.arrayBuffer()));
  }
}

/** @param {{root: string, served: Served[]}} order */
async function outcomes({ root, served }) {
  const { step } = createSteps(() => {});
  const { python, mode } = await startPython(step, root, () => {});
  await copyIn(python, served);
  const page = /** @type {any} */ ({ notify() {} });
  python.globals.set(
    "js_host",
    createJsHost(python, root, page, () => {}),
  );
  python.globals.set("begins", (/** @type {string} */ check) =>
    self.postMessage({ running: check }),
  );
  python.globals.set("files_base", new URL("/files/", location.href).href);
  return { mode, checks: JSON.parse(await python.runPythonAsync(RUN)) };
}

self.onmessage = async ({ data }) => {
  self.postMessage(await outcomes(data).catch((error) => ({ error: `${error.stack ?? error}` })));
};
