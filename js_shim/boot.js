/**
 * Starts Python in a worker: from the memory snapshot, or cold when that fails, step by step.
 *
 * Each step has a deadline of its own, because `loadPyodide` may never settle (a policy that forbids wasm).
 */

import { EdgeError } from "./errors.js";
import { fetchBytes } from "./host/network.js";

/** @typedef {{python: any, mode: "snapshot" | "cold", coldReason?: string}} Started */
/** @typedef {<T>(name: string, deadlineMs: number, action: () => Promise<T>) => Promise<T>} Step */

const ASSET_BYTES = 64 * 2 ** 20;
const ASSET_MS = 55_000;
const PYTHON_MS = 60_000;
const WASM_MS = 10_000;
// The smallest module there is: magic and version. A policy that forbids wasm refuses it at once.
const EMPTY_MODULE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/**
 * Run a boot's steps, tell each one's beginning and keep its time.
 * @param {(step: string) => void} onStep
 */
export function createSteps(onStep) {
  /** @type {Record<string, number>} */
  const stepsMs = {};
  /** @type {Step} */
  const step = async (name, deadlineMs, action) => {
    onStep(name);
    const startedMs = performance.now();
    try {
      return await within(name, deadlineMs, action());
    } finally {
      stepsMs[name] = Math.round((performance.now() - startedMs) * 10) / 10;
    }
  };
  return { step, stepsMs };
}

/**
 * @param {Step} step
 * @param {string} root  URL of the dist folder, with a slash at its end.
 * @returns {Promise<Started>}
 * @throws {EdgeError} feature-missing | boot-failed | boot-timeout
 */
export async function startPython(step, root) {
  await step("wasm", WASM_MS, compileNothing);
  const pyodideDir = `${root}${__PYODIDE_DIR__}/`;
  const [{ loadPyodide }, snapshot] = await step("assets", ASSET_MS, () =>
    Promise.all([
      import(`${pyodideDir}pyodide.mjs`).catch(missing),
      asset(`${root}${__SNAPSHOT__}`).catch(asReason),
    ]),
  );
  return step("python", PYTHON_MS, async () => {
    const restored = await restore(loadPyodide, pyodideDir, snapshot);
    if (!("coldReason" in restored)) return restored;
    return { ...(await bootCold(loadPyodide, pyodideDir, root)), coldReason: restored.coldReason };
  });
}

/**
 * @param {any} loadPyodide
 * @param {string} pyodideDir
 * @param {Uint8Array | {reason: string}} snapshot
 * @returns {Promise<{python: any, mode: "snapshot"} | {coldReason: string}>}
 */
async function restore(loadPyodide, pyodideDir, snapshot) {
  if ("reason" in snapshot) return { coldReason: snapshot.reason };
  try {
    const python = await loadPyodide({ ...options(pyodideDir), _loadSnapshot: snapshot });
    return { python, mode: "snapshot" };
  } catch (error) {
    return { coldReason: `the snapshot was refused: ${error}` };
  }
}

/**
 * @param {any} loadPyodide
 * @param {string} pyodideDir
 * @param {string} root
 * @returns {Promise<{python: any, mode: "cold"}>}
 */
async function bootCold(loadPyodide, pyodideDir, root) {
  try {
    const [python, core] = await Promise.all([
      loadPyodide(options(pyodideDir)),
      asset(`${root}${__CORE_ZIP__}`),
    ]);
    const site = python.runPython("import site; site.getsitepackages()[0]");
    python.unpackArchive(core, "zip", { extractDir: site });
    return { python, mode: "cold" };
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError(
      "boot-failed",
      `Python: expected it to start, got ${error}. Check that ${pyodideDir} is served whole.`,
      {},
      error,
    );
  }
}

/** @param {string} pyodideDir */
function options(pyodideDir) {
  // enableRunUntilComplete needs stack switching, which Safari lacks.
  return { indexURL: pyodideDir, packageBaseUrl: pyodideDir, enableRunUntilComplete: false };
}

/** @param {string} url */
async function asset(url) {
  return fetchBytes(url, ASSET_BYTES, ASSET_MS);
}

/** @param {unknown} error */
function asReason(error) {
  return { reason: error instanceof Error ? error.message : String(error) };
}

/** @param {unknown} error @returns {never} */
function missing(error) {
  throw new EdgeError(
    "boot-failed",
    `pyodide.mjs: expected it to load, got ${error}. Check that the whole dist folder is served.`,
    {},
    error,
  );
}

async function compileNothing() {
  try {
    await WebAssembly.compile(EMPTY_MODULE);
  } catch (error) {
    const text =
      "WebAssembly: expected permission to compile, got a refusal. Add 'wasm-unsafe-eval' to script-src of the page's and the workers' policy.";
    throw new EdgeError("feature-missing", text, {}, error);
  }
}

/**
 * @template T
 * @param {string} name
 * @param {number} deadlineMs
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export function within(name, deadlineMs, promise) {
  return new Promise((resolve, reject) => {
    const expire = () => {
      const text = `boot step ${name}: expected its end within ${deadlineMs} ms, got none.`;
      reject(new EdgeError("boot-timeout", text, { step: name }));
    };
    const timer = setTimeout(expire, deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
