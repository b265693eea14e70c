/** The inference lanes of a page under test, as the runtime worker has them; its worker is the built one. */

import { Inference } from "../../js_shim/host/inference.js";
import { ModelFiles } from "../../js_shim/host/model-files.js";

const page = /** @type {any} */ (globalThis);

page.inference = new Inference(
  new URL(`/edge/${__INFERENCE_WORKER__}`, location.href).href,
  new ModelFiles(),
  (url, name) => {
    const worker = new Worker(url, { type: "module", name });
    page.workers.push(name);
    return Object.assign(worker, {
      terminate() {
        page.terminated.push(name);
        Worker.prototype.terminate.call(worker);
      },
    });
  },
);
page.workers = [];
page.terminated = [];

/**
 * Say how a promise ended, as plain data.
 * @param {Promise<any>} promise
 */
page.ended = async (promise) => {
  try {
    return { ok: await promise };
  } catch (error) {
    return { error: error.toPlain?.() ?? `${error.stack ?? error}` };
  }
};

/**
 * Open a model of the site.
 * @param {string} lane
 * @param {string} model
 * @param {any} target
 * @param {Record<string, string>} [parts]  Addresses of the files it refers to, by path.
 */
page.open = async (lane, model, target, parts = {}) => {
  const url = new URL(`/models/${model}.onnx`, location.href).href;
  const sha256 = page.digests[model];
  const limits = { maxBytes: 2 ** 30, timeoutMs: 60_000 };
  const external = Object.entries(parts).map(([path, part]) => {
    const partUrl = new URL(part, location.href).href;
    return { ...limits, path, url: partUrl, sha256: page.digests[path] };
  });
  const file = { ...limits, url, sha256, external };
  return page.inference.open(lane, model, file, target);
};

/**
 * Run a model whose one input is float32; outputs come back as arrays.
 * @param {string} lane
 * @param {string} model
 * @param {number[]} values
 * @param {number[]} shape
 */
page.run = async (lane, model, values, shape = [values.length]) => {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  const feeds = [{ name: "x", dtype: "float32", shape, data }];
  const ran = await page.inference.run(lane, model, feeds);
  const outputs = ran.outputs.map((/** @type {any} */ output) => [
    ...new Float32Array(output.data),
  ]);
  return { ...ran, outputs };
};
