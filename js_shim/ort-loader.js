/**
 * The engine of one realm: a build of onnxruntime-web, and why an accelerator cannot be had.
 *
 * The default (JSEP) build is never used: it is being removed upstream and leaks on WebKit.
 */

/** @import { Target } from "./inference-protocol.js" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

const ENTRIES = {
  wasm: "ort.wasm.bundle.min.mjs",
  jspi: "ort.jspi.bundle.min.mjs",
  asyncify: "ort.webgpu.bundle.min.mjs",
};
// y = Abs(x), float32 [1].
const FIRST_MODEL =
  "CAgSADoyCgsKAXgSAXkiA0FicxIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0=";

/**
 * Import the build of a target and start it: fetch and compile its wasm, take the accelerator.
 *
 * The engine has no call for this but the creation of a session; that of a model which cannot be wrong tells a failed
 * start from a bad model. It stays open, so that the engine keeps its accelerator when all others are released.
 * @param {Target} target
 * @param {string} ortDir  URL of the folder with the builds, with a slash at its end.
 * @returns {Promise<Ort>}
 */
export async function startOrt({ build, threads, backend, device }, ortDir) {
  /** @type {Ort} */
  const ort = await import(`${ortDir}${ENTRIES[build]}`);
  ort.env.wasm.wasmPaths = ortDir;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const model = Uint8Array.from(atob(FIRST_MODEL), (letter) => letter.charCodeAt(0));
  await ort.InferenceSession.create(model, {
    executionProviders: [executionProvider(backend, device)],
  });
  return ort;
}

/**
 * @param {Target["backend"]} backend
 * @param {Target["device"]} device
 */
export function executionProvider(backend, device = "cpu") {
  return backend === "webnn" ? { name: "webnn", deviceType: device } : backend;
}

/**
 * Say why a target cannot be reached here; undefined when it can.
 * @param {Target} target
 * @returns {Promise<string | undefined>}
 */
export async function missingReason({ backend, device }) {
  if (backend === "webgpu") return webgpuMissing();
  if (backend === "webnn") return webnnMissing(device);
  return undefined;
}

async function webgpuMissing() {
  const gpu = /** @type {any} */ (navigator).gpu;
  if (!gpu) return "WebGPU: this browser or page does not offer it";
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter ? undefined : "WebGPU: no adapter on this device";
}

/** @param {Target["device"]} deviceType */
async function webnnMissing(deviceType = "cpu") {
  const ml = /** @type {any} */ (navigator).ml;
  if (!ml) return "WebNN: this browser or page does not offer it";
  if (!evaluationAllowed()) {
    return "WebNN: its glue needs 'unsafe-eval' in the policy of inference-worker.js, which forbids it";
  }
  try {
    await ml.createContext({ deviceType });
    return undefined;
  } catch (error) {
    return `WebNN: ${/** @type {Error} */ (error).message}`;
  }
}

function evaluationAllowed() {
  try {
    return new Function("return true")();
  } catch {
    return false;
  }
}
