/**
 * The error tree of `edge_runtime.errors`, for pages: five families by who must act.
 *
 * ConfigError 1xxx the caller · TrustError 2xxx never run it · HostError 3xxx the browser ·
 * TaskError 4xxx the task · RefusedError 5xxx policy, try later.
 */

/** @import { PlainError } from "./protocol.js" */

/**
 * Each family and its codes. The build leaves those out of a page's script that it never makes itself: it is told their
 * numbers with the error. Where one stands is its integer, which native callbacks receive: the third of the first family
 * is 1003. Python has the same table.
 */
const TREE = /** @type {const} */ ([
  [
    "ConfigError",
    "config-invalid",
    "argument-invalid",
    "task-unknown",
    "model-unknown",
    "query-invalid",
    "tensor-invalid",
    "call-cycle",
    "egress-refused",
  ],
  [
    "TrustError",
    "digest-mismatch",
    "bundle-invalid",
    "seal-broken",
    "version-mismatch",
    "store-corrupt",
    "key-lost",
    "bundle-untrusted",
    "bundle-outdated",
  ],
  [
    "HostError",
    "network-failed",
    "storage-failed",
    "storage-full",
    "inference-failed",
    "feature-missing",
    "boot-failed",
    "boot-timeout",
    "worker-lost",
  ],
  [
    "TaskError",
    "task-raised",
    "task-timeout",
    "task-output-invalid",
    "task-memory-exceeded",
    "task-crashed",
  ],
  [
    "RefusedError",
    "queue-full",
    "deadline-passed",
    "run-cancelled",
    "runtime-stopped",
    "runtime-paused",
    "store-unavailable",
    "writer-superseded",
    "run-superseded",
    "run-ended",
    "circuit-open",
  ],
]);

/** @type {Record<ErrorCode, number>} */
export const NUMBERS = /** @type {any} */ ({});
// Counted by hand: this runs where nothing is caught yet, on pages whose scripts may have replaced `forEach`.
for (let family = 0; family < TREE.length; family++)
  for (let place = 1; place < TREE[family].length; place++)
    NUMBERS[/** @type {ErrorCode} */ (TREE[family][place])] = (family + 1) * 1000 + place;

/** @typedef {(typeof TREE)[number][0]} ErrorFamily */
/** @typedef {Exclude<(typeof TREE)[number][number], ErrorFamily>} ErrorCode */

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
    return TREE[Math.floor(this.number / 1000) - 1][0];
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
  const { code, number, message, details } = plain;
  const error = new EdgeError(/** @type {ErrorCode} */ (code), message, details);
  error.number ??= number;
  return error;
}

/**
 * Describe any thrown value as plain data; what is no EdgeError becomes `code`.
 * @param {unknown} thrown
 * @param {ErrorCode} code
 * @returns {PlainError}
 */
export function toPlainError(thrown, code) {
  if (thrown instanceof EdgeError) return thrown.toPlain();
  return new EdgeError(code, String(thrown)).toPlain();
}
