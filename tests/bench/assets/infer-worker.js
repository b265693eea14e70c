// Peer for inference figures: onnxruntime-web alone in a module worker, one build, one provider, one session.
const ENTRIES = {
  wasm: "ort.wasm.bundle.min.mjs",
  jspi: "ort.jspi.bundle.min.mjs",
};
let session;
let ort;

const handlers = {
  /** Without `threads`: the engine's own default. */
  async load({ ortDir, build, threads }) {
    ort = await import(`${ortDir}/${ENTRIES[build]}`);
    ort.env.wasm.wasmPaths = `${ortDir}/`;
    ort.env.logLevel = "error";
    if (threads) ort.env.wasm.numThreads = threads;
  },
  async open({ model, provider, dimensions = {} }) {
    const started = performance.now();
    const response = await fetch(model);
    const data = new Uint8Array(await response.arrayBuffer());
    session = await ort.InferenceSession.create(data, {
      executionProviders: [provider],
      freeDimensionOverrides: dimensions,
    });
    return { openMs: performance.now() - started, threads: ort.env.wasm.numThreads };
  },
  async run({ feeds }) {
    const started = performance.now();
    const tensors = Object.fromEntries(
      feeds.map(({ name, dtype, data, shape }) => [name, new ort.Tensor(dtype, data, shape)]),
    );
    const outputs = await session.run(tensors);
    const runMs = performance.now() - started;
    return { runMs, outputs: Object.values(outputs).map((tensor) => tensor.data) };
  },
};

onmessage = async ({ data }) => {
  try {
    postMessage(await handlers[data.method](data));
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};
postMessage("loaded");
