/**
 * Starts Python in a worker: from the memory snapshot, or cold when that fails, step by step.
 *
 * Each step has a deadline of its own, because `loadPyodide` may never settle (a policy that forbids wasm).
 */

import { EdgeError } from "./errors.js";
import { realTimers, within } from "./timers.js";
import { hasSimd } from "./wasm-features.js";

/** @import { Timers } from "./timers.js" */
/** @typedef {{python: any, mode: "snapshot" | "cold", coldReason?: string}} Started */
/** @typedef {(level: "info" | "warning", line: string) => void} OnLine  A line that Python printed. */
/** @typedef {(extra: object) => Promise<any>} Load */
/** @typedef {<T>(name: string, deadlineMs: number, action: () => Promise<T>) => Promise<T>} Step */

const ASSET_MS = 55_000;
const PYTHON_MS = 60_000;
const WASM_MS = 10_000;
// The smallest module there is: magic and version. A policy that forbids wasm refuses it at once.
const ZIP_START = Uint8Array.of(0x50, 0x4b, 3, 4);
const EMPTY_MODULE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/**
 * Run a boot's steps, tell each one's beginning and keep its time.
 * @param {(step: string) => void} onStep
 * @param {Timers} [timers]
 */
export function createSteps(onStep, timers = realTimers) {
  /** @type {Record<string, number>} */
  const stepsMs = {};
  /** @type {Step} */
  const step = async (name, deadlineMs, action) => {
    onStep(name);
    const startedMs = performance.now();
    try {
      return await within(action(), deadlineMs, () => late(name, deadlineMs), timers);
    } finally {
      stepsMs[name] = Math.round((performance.now() - startedMs) * 10) / 10;
    }
  };
  return { step, stepsMs };
}

/**
 * @param {Step} step
 * @param {string} root  URL of the dist folder, with a slash at its end.
 * @param {OnLine} onLine
 * @returns {Promise<Started>}
 * @throws {EdgeError} feature-missing | boot-failed | boot-timeout
 */
export async function startPython(step, root, onLine) {
  await step("wasm", WASM_MS, compileNothing);
  const dir = `${root}${__PYODIDE_DIR__}/`;
  const { load, restoring } = await step("assets", ASSET_MS, async () => {
    const snapshot = asset(`${root}${__SNAPSHOT__}`);
    const loading = importing(`${dir}pyodide.mjs`).then(({ loadPyodide }) => {
      const load = (/** @type {object} */ extra) =>
        loadPyodide({ ...options(dir, onLine), ...extra });
      // It begins its own downloads while the snapshot is still on its way.
      return { load, restoring: restore(load, snapshot) };
    });
    const [begun] = await Promise.all([
      loading,
      compileWasm(`${dir}pyodide.asm.wasm`),
      importing(`${dir}pyodide.asm.mjs`),
      snapshot.catch(() => {}),
    ]);
    return begun;
  });
  return step("python", PYTHON_MS, async () => {
    const restored = await restoring;
    const started =
      "coldReason" in restored ? { ...(await bootCold(load, root)), ...restored } : restored;
    checkLibrary(started.python, `${dir}python_stdlib.zip`);
    return started;
  });
}

/**
 * @param {Load} load
 * @param {Promise<ArrayBuffer>} snapshot
 * @returns {Promise<{python: any, mode: "snapshot"} | {coldReason: string}>}
 */
async function restore(load, snapshot) {
  try {
    return { python: await load({ _loadSnapshot: snapshot }), mode: "snapshot" };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { coldReason: `the snapshot was refused: ${said}` };
  }
}

/** @param {string} url */
function importing(url) {
  return import(url).catch((error) => missing(url, error));
}

/**
 * @param {Load} load
 * @param {string} root
 * @returns {Promise<{python: any, mode: "cold"}>}
 */
async function bootCold(load, root) {
  try {
    const [python, core] = await Promise.all([load({}), asset(`${root}${__CORE_ZIP__}`)]);
    const site = python.runPython("import site; site.getsitepackages()[0]");
    python.unpackArchive(core, "zip", { extractDir: site });
    return { python, mode: "cold" };
  } catch (error) {
    return missing(`${root}${__PYODIDE_DIR__}/`, error);
  }
}

/**
 * @param {string} dir
 * @param {OnLine} onLine
 */
function options(dir, onLine) {
  return {
    indexURL: dir,
    packageBaseUrl: dir,
    // It needs stack switching, which Safari lacks.
    enableRunUntilComplete: false,
    stdout: (/** @type {string} */ line) => onLine("info", line),
    stderr: (/** @type {string} */ line) => onLine("warning", line),
  };
}

/**
 * Compile the interpreter while the snapshot is still coming; the engine gives `loadPyodide` the same code again.
 * It is also the one file whose absence `loadPyodide` would wait for without end.
 * @param {string} url
 */
async function compileWasm(url) {
  const response = await fetch(url).catch((error) => missing(url, error));
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) missing(url, `status ${response.status}`, response.status);
  if (!type.startsWith("application/wasm")) missing(url, `Content-Type ${type || "none"}`);
  return WebAssembly.compileStreaming(response).catch((error) => missing(url, error));
}

/**
 * Fetch a file of this build; its size is known, so nothing caps it.
 * @param {string} url
 */
async function asset(url) {
  const response = await fetch(url).catch((error) => missing(url, error));
  if (!response.ok) missing(url, `status ${response.status}`, response.status);
  return response.arrayBuffer();
}

/**
 * A snapshot runs without Python's library, until something new is imported; `loadPyodide` only logs its absence.
 * @param {any} python
 * @param {string} url
 */
function checkLibrary({ FS }, url) {
  const name = FS.readdir("/lib").find((/** @type {string} */ each) => each.endsWith(".zip"));
  if (!name) missing(url, "no file");
  const file = FS.open(`/lib/${name}`, "r");
  const start = new Uint8Array(ZIP_START.length);
  FS.read(file, start, 0, start.length, 0);
  FS.close(file);
  if (start.join() !== ZIP_START.join()) missing(url, "a file of another kind");
}

/**
 * @param {string} url
 * @param {unknown} got
 * @param {number | null} [status]
 * @returns {never}
 */
function missing(url, got, status = null) {
  const text = `${url}: expected it to load, got ${got}. Check that the whole dist folder is served, wasm files as application/wasm; if it is of another origin, with Access-Control-Allow-Origin, and allowed in connect-src and script-src.`;
  throw new EdgeError("boot-failed", text, { url, status }, got);
}

/** @throws {EdgeError} feature-missing; with `feature` in its details where it is the browser's, not the policy's. */
export async function compileNothing(scope = globalThis) {
  if (!scope.WebAssembly) throw unsupported("WebAssembly");
  if (!hasSimd(scope)) throw unsupported("WebAssembly SIMD");
  try {
    await scope.WebAssembly.compile(EMPTY_MODULE);
  } catch (error) {
    const text =
      "WebAssembly: expected permission to compile, got a refusal. Add 'wasm-unsafe-eval' to script-src of the page's and the workers' policy.";
    throw new EdgeError("feature-missing", text, {}, error);
  }
}

/** @param {string} feature */
function unsupported(feature) {
  const text = `${feature}: expected it in this browser, got none. The page works without the runtime.`;
  return new EdgeError("feature-missing", text, { feature });
}

/**
 * @param {string} name
 * @param {number} deadlineMs
 */
function late(name, deadlineMs) {
  // Of the steps only the core's waits for other tabs.
  const next =
    name === "core"
      ? "Another tab may hold the database; it is tried again by itself."
      : "Try again on a faster connection.";
  const text = `boot step ${name}: expected its end within ${deadlineMs} ms, got none. ${next}`;
  return new EdgeError("boot-timeout", text, { step: name });
}
