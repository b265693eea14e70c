/** How long a caller waits for a runtime that is still booting. */

import { EdgeError } from "./errors.js";

/**
 * Settle as `promise` does, or sooner when the caller gives up.
 * @template T
 * @param {Promise<T>} promise
 * @param {{signal?: AbortSignal, timeoutMs?: number}} patience
 * @returns {Promise<T>}
 * @throws {EdgeError} run-cancelled | deadline-passed
 */
export async function patiently(promise, { signal, timeoutMs }) {
  if (signal?.aborted) throw cancelled();
  /** @type {(error: EdgeError) => void} */
  let reject = () => {};
  const givingUp = new Promise((_, refuse) => (reject = refuse));
  const abort = () => reject(cancelled());
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => reject(late(timeoutMs)), timeoutMs);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const value = /** @type {T} */ (await Promise.race([promise, givingUp]));
    // Aborted in the very turn in which the promise was found settled.
    if (signal?.aborted) throw cancelled();
    return value;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function cancelled() {
  return new EdgeError("run-cancelled", "infer: its signal was aborted before the task started.");
}

/** @param {number} timeoutMs */
function late(timeoutMs) {
  const text = `infer: expected to start within ${timeoutMs} ms, got a runtime that boots. Try again later.`;
  return new EdgeError("deadline-passed", text, { timeoutMs });
}
