/** A worker with model files, as the tests want them; bundled by the tests. */

import { toPlainError } from "../../../js_shim/errors.js";
import { ModelFiles } from "../../../js_shim/host/model-files.js";
import { sha256 } from "../../../js_shim/host/model-bytes.js";

/** @type {ModelFiles} */
let files;

const methods = {
  /** @param {{withoutDatabase?: boolean, surroundings: object}} options */
  open({ withoutDatabase, surroundings }) {
    if (withoutDatabase) Object.defineProperty(globalThis, "indexedDB", { value: undefined });
    files = new ModelFiles(surroundings);
  },

  /** @param {any} file */
  async read(file) {
    const progress = /** @type {unknown[]} */ ([]);
    const seal = file.seal && { key: Uint8Array.from(file.seal.key) };
    const buffer = await files.read({ ...file, seal }, (...told) => progress.push(told));
    const own = structuredClone(buffer, { transfer: [buffer] });
    return { bytes: own.byteLength, sha256: await sha256(new Uint8Array(own)), progress };
  },

  statistics: () => files.statistics(),

  /** @param {number} bytes  Returns once so many are kept. */
  async keeps(bytes) {
    while ((await files.statistics()).bytes < bytes);
  },

  erase: () => files.erase(),
};

self.onmessage = async ({ data: { id, method, argument } }) => {
  try {
    const answer = await /** @type {any} */ (methods)[method](argument);
    self.postMessage({ id, answer: { ok: answer } });
  } catch (error) {
    self.postMessage({ id, answer: { error: toPlainError(error, "inference-failed") } });
  }
};
