// Replays a trace in Pyodide under Node. Prints the decisions.
//
//   node replay_in_node.mjs <pyodide.mjs> <folder with edge_runtime and fastjsonschema> <trace> <config> <seed>

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideModule, coreFolder, traceFile, configFile, seed] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodideModule).href);
// Node would print the failing line of Pyodide's glue, a megabyte long, instead of the error.
process.on("uncaughtException", (error) => {
  fs.writeSync(2, `${error.name}: ${error.message}\n`);
  process.exit(1);
});
const python = await loadPyodide();

/** Copy a folder of Python files into Pyodide. */
function copyFolder(from, to) {
  python.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copyFolder(source, target);
    else python.FS.writeFile(target, fs.readFileSync(source));
  }
}

copyFolder(coreFolder, "/core");
python.globals.set("trace_text", fs.readFileSync(traceFile, "utf8"));
python.globals.set("config_text", fs.readFileSync(configFile, "utf8"));
python.globals.set("seed", Number(seed));
// Synchronous: virtual time is a loop of its own inside the browser's.
const decisions = python.runPython(`
import json, sys
sys.path.insert(0, "/core")
from edge_runtime.config import parse_config
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.trace_lines import parse_trace
replay = Replay(parse_trace(trace_text), parse_config(json.loads(config_text)), seed=seed)
replay.run().text()
`);
// A pipe takes 64 KiB at once: exit when it has taken all.
process.stdout.write(decisions, () => process.exit(0));
