/**
 * The error tree of `edge_runtime.errors`, for pages: five families by who must act.
 *
 * ConfigError 1xxx the caller · TrustError 2xxx never run it · HostError 3xxx the browser ·
 * TaskError 4xxx the task · RefusedError 5xxx policy, try later.
 */

/** @import { PlainError } from "./protocol.js" */

/** Integer of each code, as native callbacks receive it; equal to Python's table. */
export const NUMBERS = Object.freeze({
  "config-invalid": 1001,
  "argument-invalid": 1002,
  "task-unknown": 1003,
  "model-unknown": 1004,
  "query-invalid": 1005,
  "tensor-invalid": 1006,
  "call-cycle": 1007,
  "egress-refused": 1008,
  "digest-mismatch": 2001,
  "bundle-invalid": 2002,
  "seal-broken": 2003,
  "version-mismatch": 2004,
  "store-corrupt": 2005,
  "key-lost": 2006,
  "bundle-untrusted": 2007,
  "bundle-outdated": 2008,
  "network-failed": 3001,
  "storage-failed": 3002,
  "storage-full": 3003,
  "inference-failed": 3004,
  "feature-missing": 3005,
  "boot-failed": 3006,
  "boot-timeout": 3007,
  "worker-lost": 3008,
  "task-raised": 4001,
  "task-timeout": 4002,
  "task-output-invalid": 4003,
  "task-memory-exceeded": 4004,
  "task-crashed": 4005,
  "queue-full": 5001,
  "deadline-passed": 5002,
  "run-cancelled": 5003,
  "runtime-stopped": 5004,
  "runtime-paused": 5005,
  "store-unavailable": 5006,
  "writer-superseded": 5007,
  "run-superseded": 5008,
  "run-ended": 5009,
  "circuit-open": 5010,
});

/** @typedef {keyof typeof NUMBERS} ErrorCode */

const FAMILIES = ["ConfigError", "TrustError", "HostError", "TaskError", "RefusedError"];

/** What every rejected call of the public API rejects with. */
export class EdgeError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message                    What happened, expected, got, what to do.
   * @param {Record<string, unknown>} [details] Plain data of this occurrence.
   * @param {unknown} [cause]
   */
  constructor(code, message, details = {}, cause = undefined) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "EdgeError";
    this.code = code;
    this.number = NUMBERS[code];
    this.details = details;
  }

  /** Who must act: `ConfigError`, `TrustError`, `HostError`, `TaskError` or `RefusedError`. */
  get family() {
    return FAMILIES[Math.floor(this.number / 1000) - 1];
  }

  /** @returns {PlainError} The form that crosses a worker border. */
  toPlain() {
    const { code, number, message, details } = this;
    return { code, number, message, details };
  }
}

/**
 * Rebuild the error that another context described.
 * @param {PlainError} plain
 */
export function errorFromPlain(plain) {
  return new EdgeError(/** @type {ErrorCode} */ (plain.code), plain.message, plain.details);
}

/**
 * Describe any thrown value as plain data; what is no EdgeError becomes `code`.
 * @param {unknown} thrown
 * @param {ErrorCode} code
 * @returns {PlainError}
 */
export function toPlainError(thrown, code) {
  if (thrown instanceof EdgeError) return thrown.toPlain();
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new EdgeError(code, message).toPlain();
}
