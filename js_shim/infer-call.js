/** One `infer` of the page: waits for the runtime as long as the caller does, then for the answer. */

import { copied } from "./arguments.js";
import { patiently } from "./patience.js";

/** @import { InferOptions } from "./arguments.js" */
/** @import { RunResult } from "./protocol.js" */
/** @import { Supervisor } from "./supervisor.js" */

/**
 * @param {Supervisor} supervisor
 * @param {number} callId
 * @param {InferOptions} options
 * @returns {Promise<RunResult>}
 * @throws {EdgeError} run-cancelled | deadline-passed | argument-invalid | what the runtime rejects with
 */
export async function inferOn(supervisor, callId, { signal, timeoutMs, extData, ...params }) {
  // A caller may change its data while the runtime boots: what counts is the call's moment.
  const data = supervisor.state === "ready" ? extData : copied("infer.extData", extData);
  const askedMs = performance.now();
  await patiently(supervisor.wake(), { signal, timeoutMs });
  const leftMs = timeoutMs && Math.max(1, timeoutMs - (performance.now() - askedMs));
  const cancel = () => supervisor.notify("cancel", { callId });
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const request = { ...params, callId, extData: data, timeoutMs: leftMs };
    return await supervisor.call("infer", request);
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
