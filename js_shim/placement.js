/**
 * How much really runs on an accelerator: the engine puts on its CPU provider what it finds no place for, be it the
 * whole model, and says nothing.
 */

/** @typedef {{graphs: number, dispatches: number}} Work */

/** @type {[type: string, method: string, kind: keyof Work][]} */
const CALLS = [
  ["MLGraphBuilder", "build", "graphs"],
  ["MLContext", "dispatch", "dispatches"],
  ["GPUComputePassEncoder", "dispatchWorkgroups", "dispatches"],
  ["GPUComputePassEncoder", "dispatchWorkgroupsIndirect", "dispatches"],
];

/**
 * Count the calls that give an accelerator work.
 * @param {any} [scope]
 * @returns {Work} Goes on counting.
 */
export function countWork(scope = globalThis) {
  const work = { graphs: 0, dispatches: 0 };
  for (const [type, method, kind] of CALLS) {
    const prototype = scope[type]?.prototype;
    if (prototype?.[method]) countCalls(prototype, method, () => void work[kind]++);
  }
  return work;
}

/**
 * @param {any} prototype
 * @param {string} method
 * @param {() => void} count
 */
function countCalls(prototype, method, count) {
  const original = prototype[method];
  prototype[method] = function (/** @type {unknown[]} */ ...args) {
    count();
    return original.apply(this, args);
  };
}
