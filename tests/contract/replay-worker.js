/**
 * A page's worker that replays a trace on the core of the built snapshot; the modules that a build leaves out
 * come from the site.
 */

import { createSteps, startPython } from "../../js_shim/boot.js";

const REPLAY = `
import importlib
import json

import edge_runtime
import edge_runtime.host

edge_runtime.__path__.append("/served")
edge_runtime.host.__path__.append("/served/host")
importlib.invalidate_caches()
parse_config = importlib.import_module("edge_runtime.config").parse_config
parse_trace = importlib.import_module("edge_runtime.testing.trace_lines").parse_trace
Replay = importlib.import_module("edge_runtime.testing.replay").Replay
replay = Replay(parse_trace(trace_text), parse_config(json.loads(config_text)), seed=seed)
replay.run().text()
`;

/** @param {{root: string, modules: string[], trace: string, config: string, seed: number}} order */
async function decisions({ root, modules, trace, config, seed }) {
  const { step } = createSteps(() => {});
  const { python, mode } = await startPython(step, root, () => {});
  for (const folder of ["testing", "host"]) python.FS.mkdirTree(`/served/${folder}`);
  for (const name of modules) {
    const response = await fetch(`/${name}`);
    if (!response.ok) throw new Error(`/${name}: status ${response.status}`);
    python.FS.writeFile(`/served/${name}`, new Uint8Array(await response.arrayBuffer()));
  }
  python.globals.set("trace_text", trace);
  python.globals.set("config_text", config);
  python.globals.set("seed", seed);
  // Synchronous: virtual time is a loop of its own inside the browser's.
  return { mode, text: python.runPython(REPLAY) };
}

self.onmessage = async ({ data }) => {
  self.postMessage(await decisions(data).catch((error) => ({ error: `${error.stack ?? error}` })));
};
