/**
 * Which build of onnxruntime-web serves a backend on this device, and why one cannot.
 *
 * The default (JSEP) build is never used: it is being removed upstream and leaks on WebKit.
 */

/** @typedef {"wasm" | "webgpu" | "webnn"} BackendName */

const ENTRIES = {
  wasm: "ort.wasm.bundle.min.mjs",
  jspi: "ort.jspi.bundle.min.mjs",
  asyncify: "ort.webgpu.bundle.min.mjs",
};

/**
 * Load the build for a backend; one realm holds one build.
 * @param {BackendName} backend
 * @param {string} ortDir  URL of the folder with the builds, with a slash at its end.
 */
export async function loadOrt(backend, ortDir) {
  const jspi = "Suspending" in WebAssembly;
  const entry = backend === "wasm" ? ENTRIES.wasm : jspi ? ENTRIES.jspi : ENTRIES.asyncify;
  /** @type {typeof import("onnxruntime-web")} */
  const ort = await import(`${ortDir}${entry}`);
  ort.env.wasm.wasmPaths = ortDir;
  ort.env.wasm.numThreads = threadCount();
  ort.env.logLevel = "error";
  return ort;
}

/** Threads need shared memory, and that needs a cross-origin isolated page. */
export function threadCount() {
  const cores = navigator.hardwareConcurrency || 1;
  return globalThis.crossOriginIsolated ? Math.min(4, Math.ceil(cores / 2)) : 1;
}

/**
 * Say why a backend cannot be used here; undefined when it can.
 * @param {BackendName} backend
 * @returns {Promise<string | undefined>}
 */
export async function missingReason(backend) {
  if (backend === "webgpu") return webgpuMissing();
  if (backend === "webnn") return webnnMissing();
  return undefined;
}

async function webgpuMissing() {
  const gpu = /** @type {any} */ (navigator).gpu;
  if (!gpu) return "WebGPU: this browser or page does not offer it";
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter ? undefined : "WebGPU: no adapter on this device";
}

async function webnnMissing() {
  const ml = /** @type {any} */ (navigator).ml;
  if (!ml) return "WebNN: this browser or page does not offer it";
  if (!evaluationAllowed()) {
    return "WebNN: its glue needs 'unsafe-eval' in the policy of inference-worker.js, which forbids it";
  }
  const context = await ml.createContext().catch((/** @type {unknown} */ error) => error);
  return context instanceof Error ? `WebNN: ${context.message}` : undefined;
}

function evaluationAllowed() {
  try {
    return new Function("return true")();
  } catch {
    return false;
  }
}
