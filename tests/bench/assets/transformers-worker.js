// Peer: transformers.js in a module worker, its engine and the model's files from this site.
import { env, pipeline } from "/transformers/transformers.min.js";

env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = "/hf/";
env.backends.onnx.wasm.wasmPaths = {
  mjs: "/transformers/ort-wasm-simd-threaded.asyncify.mjs",
  wasm: "/transformers/ort-wasm-simd-threaded.asyncify.wasm",
};
let embed;

const handlers = {
  async open() {
    embed = await pipeline("feature-extraction", "minilm", { device: "wasm", dtype: "q8" });
    return { version: env.version, engine: env.backends.onnx.versions.web };
  },
  async run({ text }) {
    const output = await embed(text, { pooling: "mean", normalize: true });
    return { vector: output.data };
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
