/** The WebGPU adapter and the WebNN contexts that a browser gives, looked at and let go. */

import { attempt, inTime, number, orReason } from "./probe-attempts.js";

/** @import { Asking, Missing } from "./probe-attempts.js" */

/**
 * @typedef {object} Adapter
 * @property {string} vendor
 * @property {string} architecture
 * @property {string} description
 * @property {boolean} fallback        The CPU stands in for a GPU.
 * @property {string[]} features
 * @property {number} maxBufferBytes
 * @property {number} maxStorageBytes  Of one storage buffer's binding.
 */
/** @typedef {Record<"cpu" | "gpu" | "npu", Partial<Missing>>} ByDevice  An empty object: can be used. */
/** @typedef {{accelerated?: boolean, layout?: string, limits?: string, reason?: string}} Context */

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;
const NOT_OFFERED = { reason: "this browser or page does not offer it" };

/**
 * @param {Asking} asking
 * @returns {Promise<Missing | Adapter>}
 */
export async function readAdapter(asking) {
  const gpu = asking.scope.navigator.gpu;
  if (!gpu) return NOT_OFFERED;
  const adapter = await inTime(asking, gpu.requestAdapter());
  if (!adapter) return { reason: "no adapter on this device" };
  const info = adapter.info ?? {};
  const [vendor, architecture, description] = ["vendor", "architecture", "description"].map(
    (name) => String(info[name] ?? ""),
  );
  // First spelling: in the information; second: of older browsers. None where a browser tells neither.
  const told = info.isFallbackAdapter ?? adapter.isFallbackAdapter;
  return {
    vendor,
    architecture,
    description,
    fallback: told === true || SOFTWARE.test(`${vendor} ${architecture} ${description}`),
    features: [...adapter.features].map(String).sort(),
    maxBufferBytes: number(adapter.limits.maxBufferSize),
    maxStorageBytes: number(adapter.limits.maxStorageBufferBindingSize),
  };
}

/**
 * @param {Asking} asking
 * @returns {Promise<Missing | {devices: ByDevice}>}
 */
export async function readWebnn(asking) {
  if (!asking.scope.navigator.ml) return NOT_OFFERED;
  const [cpu, gpu, npu] = await Promise.all(
    ["cpu", "gpu", "npu"].map((type) => orReason(() => readContext(asking, type))),
  );
  return { devices: { cpu: reasonOf(cpu), gpu: notReal(gpu, cpu), npu: notReal(npu, cpu) } };
}

/**
 * Open a context, look at it and let it go, even if it comes too late.
 * @param {Asking} asking
 * @param {string} deviceType
 * @returns {Promise<Context>}
 */
function readContext(asking, deviceType) {
  const opening = Promise.resolve(asking.scope.navigator.ml.createContext({ deviceType }));
  const looking = opening.then((context) => {
    try {
      const limits = context.opSupportLimits();
      const { accelerated } = context;
      return { accelerated, layout: limits.preferredInputLayout, limits: JSON.stringify(limits) };
    } finally {
      attempt(() => context.destroy?.(), undefined);
    }
  });
  return inTime(asking, looking);
}

/**
 * A browser without GPU or NPU gives a context of the CPU under their name. New browsers say so; in others
 * the limits tell: channels last is how the CPU's engine is laid out, and no other one has its very limits.
 * @param {Context} context  Asked for as GPU or NPU.
 * @param {Context} cpu
 */
function notReal(context, cpu) {
  const alike = context.layout === "nhwc" && context.limits === cpu.limits;
  const onCpu = context.accelerated === false || (context.accelerated === undefined && alike);
  return onCpu && !context.reason
    ? { reason: "the browser gave the CPU's in its place" }
    : reasonOf(context);
}

/** @param {Context} context */
function reasonOf({ reason }) {
  return reason ? { reason } : {};
}
