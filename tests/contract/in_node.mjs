// Runs the core in Pyodide under Node on a JavaScript host in memory. Prints one JSON object.
//
//   node in_node.mjs <pyodide.mjs> <folder with edge_runtime, fastjsonschema and contract> <bundle>

import { webcrypto } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

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

/** Copies of the three failures that a host may throw. */
function failure(code, message, details = {}) {
  return Object.assign(new Error(message), { code, details });
}

/** Storage as tests/contract wants it, over maps that outlive close(). */
function memoryStorage() {
  const databases = new Map();
  let current;
  return {
    async open(name, stores) {
      const names = [...stores];
      if (!databases.has(name))
        databases.set(name, new Map(names.map((store) => [store, new Map()])));
      current = name;
    },
    async read(store, after, limit) {
      const records = [...databases.get(current).get(store)].filter(([key]) => key > after);
      return records.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit);
    },
    async write(operations, durability) {
      if (!["relaxed", "strict"].includes(durability)) throw new TypeError(durability);
      const stores = databases.get(current);
      for (const [, store] of operations) {
        if (!stores.has(store)) throw failure("storage-failed", `no store ${store}`);
      }
      for (const [kind, store, key, data] of operations) {
        if (kind === "put") stores.get(store).set(key, data.slice());
        else stores.get(store).delete(key);
      }
    },
    close() {},
    async erase() {
      databases.delete(current);
    },
  };
}

function webCrypto() {
  const { subtle } = webcrypto;
  const keys = new Map();
  const parameters = (iv, additionalData) => ({ name: "AES-GCM", iv, additionalData });
  return {
    async ensureKey(id) {
      const uses = ["encrypt", "decrypt"];
      if (!keys.has(id))
        keys.set(id, await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, uses));
    },
    async seal(id, plaintext, aad) {
      const iv = webcrypto.getRandomValues(new Uint8Array(12));
      const sealed = new Uint8Array(
        await subtle.encrypt(parameters(iv, aad), keys.get(id), plaintext),
      );
      return joined(iv, sealed);
    },
    // A failure without a code of ours: Python must know what it means.
    unseal: async (id, sealed, aad) =>
      new Uint8Array(
        await subtle.decrypt(
          parameters(sealed.subarray(0, 12), aad),
          keys.get(id),
          sealed.subarray(12),
        ),
      ),
  };
}

function joined(first, second) {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** An engine with one model, whatever the bytes: doubles its float32 input. */
const inference = {
  async open() {
    const spec = (name) => ({ name, dtype: "float32", shape: [null, 2] });
    return { inputs: [spec("x")], outputs: [spec("y")], backend: { name: "wasm", threads: 1 } };
  },
  async run(_model, [{ data, shape }]) {
    const values = new Float32Array(data.slice().buffer).map((value) => value * 2);
    return {
      outputs: [{ name: "y", dtype: "float32", shape, data: values.buffer }],
      inferMs: 0.25,
    };
  },
  async release() {},
};

const host = {
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  storage: memoryStorage(),
  crypto: webCrypto(),
  network: {
    async fetchBytes(url) {
      if (url.endsWith(".edge")) return new Uint8Array(fs.readFileSync(bundleFile));
      if (url.endsWith(".onnx")) return Uint8Array.of(1, 2, 3);
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
  page: {
    notify(name, json, buffers) {
      notices.push({ name, body: JSON.parse(json), buffers: buffers.length });
      if (name === "result") onResult();
    },
  },
  reply: (id, json, buffers) =>
    replies.get(id)({ ...JSON.parse(json), buffers: buffers.map((each) => [...each]) }),
  description: { userAgent: "node", deviceMemoryGb: null },
};

/** Put a request to the core; resolves with its answer. */
function call(core, method, params, buffers = []) {
  const id = replies.size + 1;
  return new Promise((resolve) => {
    replies.set(id, resolve);
    core.dispatch(id, method, JSON.stringify(params), buffers);
  });
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
const view = { id: "e1", ts: Date.now(), type: "mta", pageId: "Home", pv: true };
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
core.track(JSON.stringify([view, view]));
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
