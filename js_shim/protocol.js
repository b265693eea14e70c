/**
 * Every message that crosses a worker border. Shapes only: imports nothing, does nothing.
 *
 * Four borders use it: page ↔ runtime worker, between the runtime workers of one origin (`writer-protocol`), and runtime
 * worker ↔ inference worker (`inference-protocol`) and VM (`machine-protocol`). Before a MessagePort is
 * there, a worker greets with `Hello` on its own scope and waits for `Start`; a message posted earlier could be lost
 * while a module worker is still evaluating.
 */

/**
 * Must be equal on both sides of a port, as must the build; a half-updated cache fails at the handshake. Of two tabs the
 * higher one takes over, the other has to be reloaded.
 */
export const PROTOCOL_VERSION = 4;

/**
 * @typedef {object} Hello  Worker → creator, once its message handler is set.
 * @property {"hello"} kind
 * @property {number} version
 * @property {string} build
 */

/**
 * @typedef {object} Start  Creator → worker, the answer to `Hello`; transfers `port`.
 * @property {"start"} kind
 * @property {number} version
 * @property {string} build
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
 * @property {string} page       Names the page among clients, whichever worker it has.
 * @property {number} loadingMs  Page-side time from `start()` to worker creation, for boot timings.
 * @property {boolean} [trace]     Keep a trace.
 * @property {number | "auto"} [vms]  Instead of the configuration's.
 * @property {boolean} [profile]   Say of each run where its time went.
 * @property {boolean} [isPaused]  This page's `pause` holds: a lost worker answered it.
 * @property {boolean} [isErasing] It was started to erase: runs that an earlier worker left do not go on with what is to go.
 * @property {string[]} [struck]   Tasks whose code has held this page's workers too often: their breakers begin open.
 * @property {Record<string, unknown>} [reconfigured]  In force by a `reconfigure` that a lost worker knew of.
 */

/**
 * Requests page → runtime worker: method, params → value.
 *
 * - `infer` InferParams → RunResult
 * - `track` {batch: string (JSON array of EventRow), isAgain?: a lost worker had it} → {}, once durable; known ids are ignored
 * - `outbox` {letters: what pages that were left have written} → Paper, once their events are durable as this page's
 * - `flush` {} → {}
 * - `statistics` {} → Statistics
 * - `get` {key} → value or null; `put` {key, value, encrypted?} → {}; `delete` {key} → {}
 * - `pause` {}, `resume` {}, `erase` {}, `stop` {} → {}
 * - `reconfigure` {config: RuntimeOptions["config"]} → PlainError[], what does not hold
 * - `reload` {} → Reload
 * - `trace` {} → string, JSON lines
 *
 * All but `infer` and `stop` may be repeated: a worker sends them again when the writer changed before the answer.
 *
 * Notices page → worker: `cancel` {callId}, `ping` {}, `leaving` {} and `returned` {} (the page is frozen or left, and back).
 * Notices runtime worker → page: `status` StatusBody, `result` RunResult, `error` RunFailure, `log` LogRecord, `pong` {},
 * `overruled` {} (another page has paused or resumed since this one did), `reconfigured` Reconfigured, `run` RunWord.
 */

/**
 * @typedef {[
 *   id: string,
 *   ts: number,
 *   type: string,
 *   pageId: string,
 *   clickId: string | null,
 *   pv: 0 | 1,
 *   props: Record<string, unknown>,
 * ]} EventRow  `ts` in Unix ms; ids in the order of their page's events, as text, at most 64 characters.
 */

/**
 * @typedef {object} InferParams
 * @property {number} callId       Unique per page; `cancel` names it.
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {Record<string, unknown>} [extData]  Plain data; Blob, ArrayBuffer and typed arrays allowed as values.
 * @property {"core" | "regular" | "low"} [priority]
 * @property {number} [timeoutMs]  From this moment; the task's own timeout applies as well.
 * @property {string} [supersedeKey]
 */

/**
 * @typedef {object} Paper  For one letter of a page that is left, a line: `seal`, a space, decimals of EventRows ⊕ `pad`.
 * @property {Uint8Array} pad
 * @property {string} seal  Base64 of the sealed pad.
 */

/**
 * @typedef {object} Reconfigured
 * @property {Record<string, unknown>} [config]  The latest that `reconfigure` put in force; none: that of the start.
 */

/**
 * A run's code takes the interpreter that it shares with the core, for `leftMs` at most, or (the id alone) has ended.
 * @typedef {{runId: string, taskName?: string, leftMs?: number, callId?: number, isOwn?: boolean}} RunWord  `isOwn`: this
 *   page asked for it, by the call `callId` or by an event.
 */

/**
 * @typedef {object} Reload
 * @property {{taskName: string, from: string | null, to: string | null}[]} changed  Versions; null: there was, or is, no such task.
 * @property {PlainError[]} problems  What was not changed, and why; what is missing since.
 */

/**
 * @typedef {object} BackendReport
 * @property {string} name               `wasm`, `webgpu`, `webnn`.
 * @property {number} threads
 * @property {"cpu" | "gpu" | "npu"} [device]        WebNN's.
 * @property {string} [fallbackReason]               Why this is not the backend that was preferred.
 * @property {Record<string, string>} [refused]      By backend, why it is not used.
 */

/**
 * @typedef {object} RunResult
 * @property {string} runId
 * @property {string} taskName
 * @property {unknown} value             What the task returned; null for None. Bytes arrive as Uint8Array.
 * @property {"api" | "event"} trigger
 * @property {Timings} timings
 * @property {Record<string, BackendReport>} backend
 * @property {"slots" | "core-slot" | "paused" | "lane" | null} waitedFor  What it waited for first; null: nothing.
 * @property {"value" | "last" | "task" | null} fallback  What the value is instead of the task's; null: it is the task's.
 * @property {Profile} [profile]         With `start({profile: true})`.
 */

/**
 * @typedef {{cpuMs: number, waitMs: number, inferMs: number, laneMs: number, heapBytes: number, asks: Record<string, number>,
 *   queries: {sql: string, ms: number, rows: number | null}[]}} Profile  Where a run's time went, see docs/reference.md.
 */

/**
 * @typedef {object} Timings
 * @property {number} queuedMs  From the request to the start.
 * @property {number} runMs
 * @property {number} inferMs   Inside the engine; part of `runMs`.
 * @property {number} laneMs    Waiting for an inference worker; part of `runMs`.
 * @property {number} totalMs
 */

/**
 * @typedef {object} RunFailure  A failed run that no caller waits for (trigger "event").
 * @property {string} runId
 * @property {string} taskName
 * @property {PlainError} error
 */

/**
 * @typedef {"writer" | "follower"} Role  The writer runs Python and owns the store; followers pass everything on to it.
 */

/**
 * @typedef {object} StatusBody
 * @property {"idle" | "booting" | "ready" | "failed" | "unsupported" | "stopped" | "role" | "store" | "model"} state  The
 *   last three change nothing about `ready`: this tab's role, or what the store can do, is another; a model's file is
 *   being downloaded. `unsupported`, from the page alone: this browser lacks what the runtime cannot be without.
 * @property {string} [step]              While booting: the step that has just begun.
 * @property {Role} [role]                With `ready` and `role`.
 * @property {BootReport} [boot]          With `ready` and `role`.
 * @property {string} [reason]            With `unsupported`: what is missing.
 * @property {PlainError} [error]         With `failed` and `unsupported`; with `booting` and `role`: why the writer did not get at the store
 *   in time. Another try follows.
 * @property {PlainError[]} [problems]    With `ready`, and with `role` where there is a writer: what is missing although
 *   the rest works (a bundle, a model).
 * @property {Record<string, unknown>} [store]  With `store`, from Python: its mode, and why.
 * @property {string} [model]             With `model`: its name,
 * @property {number} [loadedBytes]       what is there,
 * @property {number | null} [totalBytes] and of how much; null where the server does not say.
 */

/**
 * @typedef {object} BootReport
 * @property {"snapshot" | "cold" | "forwarding"} mode  `forwarding`: a follower, which boots no Python.
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
 * @property {Profile} [profile]  Of each run, failed ones as well, with `start({profile: true})`.
 */
