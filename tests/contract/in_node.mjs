// Runs the core in Pyodide under Node on a JavaScript host in memory. Prints one JSON object.
//
//   node in_node.mjs <pyodide.mjs> <folder with edge_runtime, fastjsonschema and contract> <bundle>

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { failure, memoryStorage, webCrypto } from "./memory-parts.mjs";

const [pyodideModule, coreFolder, bundleFile] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodideModule).href);
// Node would print the failing line of Pyodide's glue, a megabyte long, instead of the error.
process.on("uncaughtException", (error) => {
  fs.writeSync(2, `${error.name}: ${error.message}\n`);
  process.exit(1);
});
const notices = [];
let onResult;
const firstResult = new Promise((resolve) => (onResult = resolve));
const replies = new Map();

/** An engine with one model, whatever the bytes: doubles its float32 input. */
const inference = {
  probe: async () => ({ simd: true, cores: 1, build: "double" }),
  async open() {
    const spec = (name) => ({ name, dtype: "float32", shape: [null, 2] });
    const declared = { inputs: [spec("x")], outputs: [spec("y")], heapBytes: 0, fileBytes: 3 };
    return { ...declared, backend: { name: "wasm", threads: 1 } };
  },
  async run(_lane, _session, [{ data, shape }]) {
    const values = new Float32Array(data.slice().buffer).map((value) => value * 2);
    return {
      outputs: [{ name: "y", dtype: "float32", shape, data: values.buffer }],
      inferMs: 0.25,
      heapBytes: 0,
    };
  },
  async release() {},
  close() {},
  async erase() {},
};

/** @param {string} name */
function refuse(name) {
  throw failure("feature-missing", `no ${name}`, { packages: [name] });
}

const host = {
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  storage: memoryStorage(),
  crypto: webCrypto(),
  network: {
    async fetchBytes(url) {
      if (url.endsWith(".edge")) return new Uint8Array(fs.readFileSync(bundleFile));
      throw failure("network-failed", `${url}: 404`, { url, status: 404 });
    },
  },
  inference,
  images: { decode: async (_data, width, height) => new Uint8Array(width * height * 3).fill(7) },
  packages: {
    async load(names) {
      throw failure("feature-missing", `no ${[...names]}`, { packages: [...names] });
    },
  },
  machines: { isAvailable: false, start: refuse, shipped: async (name) => refuse(name) },
  interpreter: { watch() {}, heapBytes: () => 0, install: async (name) => refuse(name) },
  page: {
    notify(name, json, buffers, client) {
      notices.push({ name, body: JSON.parse(json), buffers: buffers.length, client });
      if (name === "result") onResult();
    },
    superseded() {},
    watchRun() {},
  },
  reply: (id, json, buffers) =>
    replies.get(id)({ ...JSON.parse(json), buffers: buffers.map((each) => [...each]) }),
  description: { userAgent: "node", deviceMemoryGb: null },
};

/** Hand the core something with an id for its answer, and resolve with that. */
function answered(act) {
  const id = replies.size + 1;
  return new Promise((resolve) => {
    replies.set(id, resolve);
    act(id);
  });
}

/** Put a request to the core; resolves with its answer. */
function call(core, method, params, buffers = []) {
  return answered((id) => core.dispatch(id, method, JSON.stringify(params), buffers));
}

/** Copy a folder of Python files into Pyodide. */
function copyFolder(python, from, to) {
  python.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copyFolder(python, source, target);
    else python.FS.writeFile(target, fs.readFileSync(source));
  }
}

const maker = await loadPyodide({ _makeSnapshot: true });
copyFolder(maker, coreFolder, "/core");
maker.runPython(`
import sys
sys.path.insert(0, "/core")
import edge_runtime.host.browser
from edge_runtime.config import warm
warm()
`);
const python = await loadPyodide({ _loadSnapshot: maker.makeMemorySnapshot() });
// A snapshot holds memory, no files: what was imported before needs none, the suites do.
copyFolder(python, path.join(coreFolder, "contract"), "/core/contract");
python.runPython("import importlib; importlib.invalidate_caches()");

python.globals.set("js_host", host);
const contract = JSON.parse(
  await python.runPythonAsync(`
import json
from contract.run_in_pyodide import run_all
from edge_runtime.host.browser.ports import browser_host
json.dumps(await run_all(browser_host(js_host)))
`),
);

const boot = python.pyimport("edge_runtime.host.browser").boot;
const trigger = {
  taskName: "Double",
  events: [{ type: "mta", pageId: "Home", needPv: true, clickIds: [] }],
};
const sha256 = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";
const config = {
  bundles: ["double.edge"],
  trust: { unsigned: true },
  models: { double: { variants: [{ url: "d.onnx", sha256 }] } },
  triggers: [trigger],
};
const refused = await boot(
  host,
  JSON.stringify({ config: { triggers: 5 }, base: "https://site.test/" }),
);
const started = await boot(host, JSON.stringify({ config, base: "https://site.test/" }));
const core = started.core;
const codes = { systemCode: "demo", businessCode: "double" };
const extData = { values: { $bytes: 0 } };
const view = ["e1", Date.now(), "mta", "Home", null, 1, {}];
const answers = {
  infer: await call(core, "infer", { callId: 1, ...codes, extData }, [
    new Uint8Array(new Float32Array([1.5, 2]).buffer),
  ]),
  unknown: await call(core, "infer", { callId: 2, ...codes, businessCode: "nope" }),
  put: await call(core, "put", { key: "k", value: { a: [1, "é"] } }),
  get: await call(core, "get", { key: "k" }),
  badKey: await call(core, "get", {}),
  badMethod: await call(core, "explode", {}),
};
answers.track = await answered((id) => core.track(id, JSON.stringify([view, view]), "tab"));
answers.flush = await call(core, "flush", {});
await firstResult;
answers.statistics = await call(core, "statistics", {});
answers.stop = await call(core, "stop", {});
answers.afterwards = await call(core, "flush", {});
const problems = JSON.parse(started.problems_json);
process.stdout.write(
  JSON.stringify({ contract, refused: JSON.parse(refused.error_json), problems, answers, notices }),
);
process.exit(0);
