/** What the interpreter in this worker can do for tasks' code: the core's own, or a VM's. */

import { EdgeError } from "../errors.js";
import { watchCap } from "../heap-cap.js";
import { watchDeadline } from "../interrupt-watch.js";

const FLOAT64_BYTES = 8;

/**
 * @param {any} python  The Pyodide instance.
 * @param {(name: string) => Promise<void>} [loadShipped]  Makes a package of this build importable.
 */
export function createInterpreter(python, loadShipped = refuse) {
  const { _module: module, _api: api } = python;
  // Before a VM runs tasks these names are taken away from Python.
  const { install, importlib, sitepackages } = api;
  const invalidate = importlib.invalidate_caches;
  const setInterruptBuffer = python.setInterruptBuffer.bind(python);
  const now = performance.now.bind(performance);

  return {
    /**
     * Watch two float64: a deadline in ms, and a cap on the heap in bytes; 0: none. Replaces what was watched.
     * @param {number} address
     * @param {number} nowMs  What the deadline's clock says at this moment.
     */
    watch(address, nowMs) {
      const place = Math.floor(address / FLOAT64_BYTES);
      const aheadMs = nowMs - now();
      // The views are new ones after each growth.
      const read = (/** @type {number} */ offset) => module.HEAPF64[place + offset];
      watchCap(() => read(1));
      watchDeadline(
        { setInterruptBuffer },
        () => read(0),
        () => now() + aheadMs,
      );
    },

    heapBytes: () => module.HEAPU8.byteLength,

    /**
     * Make a package importable.
     * @param {string} name
     * @param {string | null} file       Name of its wheel; null: the one that the runtime ships.
     * @param {Uint8Array | null} bytes
     * @throws {EdgeError} feature-missing
     */
    async install(name, file, bytes) {
      if (file === null || bytes === null) return loadShipped(name);
      try {
        await install(bytes, file, sitepackages, undefined);
      } catch (error) {
        const text = `package ${name}: expected a wheel for this interpreter, got ${file}, which fails: ${error}. Pack the task again.`;
        throw new EdgeError("feature-missing", text, { packages: [name] }, error);
      }
      invalidate();
    },
  };
}

/** @param {string} name */
async function refuse(name) {
  const text = `package ${name}: expected its wheel, got none. A VM loads nothing by itself.`;
  throw new EdgeError("feature-missing", text, { packages: [name] });
}
