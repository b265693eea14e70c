// Makes a Pyodide memory snapshot with the core imported: node snapshot.mjs PYODIDE_DIR CORE_ZIP OUT
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideDir, coreZip, out] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${pyodideDir}/pyodide.mjs`).href);
const pyodide = await loadPyodide({ indexURL: `${pyodideDir}/`, _makeSnapshot: true });
const site = pyodide.runPython("import site; site.getsitepackages()[0]");
pyodide.unpackArchive(new Uint8Array(await readFile(coreZip)), "zip", { extractDir: site });
// The validators are compiled here so that no worker pays for them.
pyodide.runPython(`
import importlib, pathlib, pkgutil
import edge_runtime.host.browser, edge_runtime.host.browser.guest, edge_runtime.runtime, edge_runtime.task
import edge_runtime.config
edge_runtime.config.warm()
import gc
gc.collect()
`);
await writeFile(out, pyodide.makeMemorySnapshot());
// Pyodide leaves handles open in Node; nothing else is to be done.
process.exit(0);
