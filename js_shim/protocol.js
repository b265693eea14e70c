/**
 * Every message that crosses a worker border. Shapes only: imports nothing, does nothing.
 *
 * Two borders use it: page ↔ runtime worker, runtime worker ↔ inference worker. Before a MessagePort
 * is there, a worker greets with `Hello` on its own scope and waits for `Start`; a message posted
 * earlier could be lost while a module worker is still evaluating.
 */

/** Must be equal on both sides of a port; a half-updated cache fails at the handshake. */
export const PROTOCOL_VERSION = 1;

/**
 * @typedef {object} Hello  Worker → creator, once its message handler is set.
 * @property {"hello"} kind
 * @property {number} version
 */

/**
 * @typedef {object} Start  Creator → worker, the answer to `Hello`; transfers `port`.
 * @property {"start"} kind
 * @property {number} version
 * @property {MessagePort} port
 * @property {unknown} options  `RuntimeOptions` or `InferenceOptions`.
 */

/**
 * @typedef {object} Request
 * @property {"request"} kind
 * @property {number} id
 * @property {string} method
 * @property {unknown} params
 */

/**
 * @typedef {object} Reply
 * @property {"reply"} kind
 * @property {number} id
 * @property {unknown} [value]        Present when the request succeeded.
 * @property {PlainError} [error]     Present when it failed.
 */

/**
 * @typedef {object} Notice  One way; no reply.
 * @property {"notice"} kind
 * @property {string} name
 * @property {unknown} body
 */

/** @typedef {Request | Reply | Notice} Message */

/**
 * @typedef {object} PlainError  An `EdgeError` as data; the class is rebuilt from the code.
 * @property {string} code
 * @property {number} number
 * @property {string} message
 * @property {Record<string, unknown>} details
 */

/**
 * @typedef {object} RuntimeOptions  Page → runtime worker.
 * @property {string | Record<string, unknown>} config  Absolute URL, or the configuration itself.
 * @property {string} base       Absolute URL that relative URLs of an inline config resolve against.
 * @property {number} loadingMs  Page-side time from `start()` to worker creation, for boot timings.
 */

/**
 * Requests page → runtime worker: method, params → value.
 *
 * - `infer` InferParams → RunResult
 * - `track` {batch: string} (JSON array of EventRecord) → nothing, once they are in memory; known ids are ignored
 * - `flush` {} → {}
 * - `statistics` {} → Statistics
 * - `get` {key} → value or null; `put` {key, value, encrypted} → {}; `delete` {key} → {}
 * - `pause` {}, `resume` {}, `stop` {} → {}
 *
 * Notices page → runtime worker: `cancel` {callId}, `ping` {}.
 * Notices runtime worker → page: `status` StatusBody, `result` RunResult, `error` RunFailure, `log` LogRecord, `pong` {}.
 */

/**
 * @typedef {object} EventRecord
 * @property {string} id
 * @property {number} ts          Unix ms.
 * @property {string} type
 * @property {string} pageId
 * @property {string} [clickId]
 * @property {boolean} pv
 * @property {Record<string, unknown>} [props]
 */

/**
 * @typedef {object} InferParams
 * @property {number} callId       Unique per page; `cancel` names it.
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {Record<string, unknown>} [extData]  Plain data; Blob, ArrayBuffer and typed arrays allowed as values.
 * @property {"core" | "regular" | "low"} [priority]
 * @property {number} [timeoutMs]  From this moment; the task's own timeout applies as well.
 */

/**
 * @typedef {object} BackendReport
 * @property {string} name               `wasm`, `webgpu`, `webnn`.
 * @property {number} threads
 * @property {string} [fallbackReason]
 */

/**
 * @typedef {object} RunResult
 * @property {string} runId
 * @property {string} taskName
 * @property {unknown} value             What the task returned; null for None. Bytes arrive as Uint8Array.
 * @property {"api" | "event"} trigger
 * @property {{queuedMs: number, runMs: number, inferMs: number, totalMs: number}} timings
 * @property {Record<string, BackendReport>} backend
 */

/**
 * @typedef {object} RunFailure  A failed run that no caller waits for (trigger "event").
 * @property {string} runId
 * @property {string} taskName
 * @property {PlainError} error
 */

/**
 * @typedef {object} StatusBody
 * @property {"idle" | "booting" | "ready" | "failed" | "stopped"} state
 * @property {string} [step]              While booting: the step that has just begun.
 * @property {BootReport} [boot]          With `ready`.
 * @property {PlainError} [error]         With `failed`.
 * @property {PlainError[]} [problems]    With `ready`: what is missing although the rest works (a bundle, a model).
 */

/**
 * @typedef {object} BootReport
 * @property {"snapshot" | "cold"} mode
 * @property {string} [coldReason]        Why the snapshot was not used.
 * @property {boolean} crossOriginIsolated
 * @property {Record<string, number>} stepsMs
 * @property {number} totalMs
 */

/**
 * @typedef {object} LogRecord
 * @property {"debug" | "info" | "warning" | "error"} level
 * @property {string} message
 * @property {string} [taskName]
 * @property {string} [runId]
 */

/**
 * Requests runtime worker → inference worker.
 *
 * - `open` {model, data: ArrayBuffer (transferred), backend} → {inputs: WireSpec[], outputs: WireSpec[], backend: BackendReport}
 * - `run` {model, feeds: WireTensor[]} → {outputs: WireTensor[], inferMs}
 * - `release` {model} → {}
 */

/**
 * @typedef {object} WireTensor
 * @property {string} name
 * @property {string} dtype    ONNX's spelling: float32, int64, bool …
 * @property {number[]} shape
 * @property {ArrayBuffer} data  Little-endian, row-major; transferred, the sender's copy becomes empty.
 */

/**
 * @typedef {object} WireSpec
 * @property {string} name
 * @property {string} dtype
 * @property {(number | null)[]} shape  null: dynamic axis.
 */
