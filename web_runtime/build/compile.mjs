// Compiles Python files in a built runtime's Pyodide: node compile.mjs RUNTIME SCRIPT.py < REQUEST > ANSWER
// The script defines compile_json; what it is asked and answers is described there.
import { readFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

// First of all: Pyodide makes the pipe one that does not block, and then a long request may break off.
const request = readFileSync(0, "utf8");
const [runtime, script] = process.argv.slice(2).map((path) => resolve(path));
const { assets } = JSON.parse(readFileSync(`${runtime}/manifest.json`, "utf8"));
const dir = `${runtime}/${assets.pyodide}`;
const { loadPyodide } = await import(pathToFileURL(`${dir}/pyodide.mjs`).href);
const options = { indexURL: `${dir}/`, stdout: () => {}, stderr: () => {} };

/** As the page boots: restored, else cold. */
async function start() {
  try {
    const snapshot = readFileSync(`${runtime}/${assets.snapshot}`);
    return await loadPyodide({ ...options, _loadSnapshot: snapshot });
  } catch {
    const pyodide = await loadPyodide(options);
    const site = pyodide.runPython("import site; site.getsitepackages()[0]");
    const core = new Uint8Array(readFileSync(`${runtime}/${assets.core}`));
    pyodide.unpackArchive(core, "zip", { extractDir: site });
    return pyodide;
  }
}

const pyodide = await start();
const names = pyodide.toPy({ __name__: "bytecode" });
pyodide.runPython(readFileSync(script, "utf8"), { globals: names });
const answer = names.get("compile_json")(request);
for (let rest = Buffer.from(answer); rest.length;) rest = rest.subarray(writeSync(1, rest));
// Pyodide leaves handles open in Node; nothing else is to be done.
process.exit(0);
