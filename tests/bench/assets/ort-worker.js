// Peer for inference figures: onnxruntime-web alone in a module worker, one session, our number of threads.
let session;
let ort;

const handlers = {
  async open({ ortDir, model, threads }) {
    ort = await import(`${ortDir}/ort.wasm.bundle.min.mjs`);
    ort.env.wasm.wasmPaths = `${ortDir}/`;
    ort.env.wasm.numThreads = threads;
    session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
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

onmessage = async ({ data }) => postMessage(await handlers[data.method](data));
postMessage("loaded");
