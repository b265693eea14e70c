/** The record that `statistics()` resolves with. Shapes only; Python's half is `edge_runtime/pure/statistics.py`. */

/** @import { ModelFileStatistics } from "./host/model-files.js" */
/** @import { BackendReport, BootReport, Role } from "./protocol.js" */

/**
 * @typedef {object} Statistics  Keys of the records are queue, lane, model, breaker and task names.
 * @property {number} uptimeMs
 * @property {boolean} paused
 * @property {Role} role
 * @property {Record<"core" | "regular" | "low", QueueStatistics>} queues
 * @property {Record<string, LaneStatistics>} lanes
 * @property {Record<string, BreakerStatistics>} breakers
 * @property {Record<string, ModelStatistics>} models
 * @property {ModelMemory} modelMemory
 * @property {ModelFileStatistics} modelFiles
 * @property {Record<string, TaskStatistics>} tasks
 * @property {VmStatistics} vms
 * @property {{count: number, matches: number}} triggers
 * @property {Record<string, any>} store
 * @property {BootReport} boot
 * @property {{pythonHeapBytes: number}} memory
 * @property {{waiting: number, dropped: number, refused: number}} page  Its events, and calls that did not leave it.
 */

/** @typedef {{p50: number | null, p99: number | null}} Percentiles  Milliseconds; null before the first. */

/**
 * @typedef {object} QueueStatistics
 * @property {number} waiting     Now.
 * @property {number} running     Now, in a slot.
 * @property {number} parked      Now, without a slot: they wait for runs they called.
 * @property {number} finished    Returned or raised.
 * @property {number} refused     Never started.
 * @property {number} cancelled
 * @property {number} timedOut
 * @property {number} superseded
 * @property {number} joined      Calls that got the outcome of a run that waited.
 * @property {number} overdue     Went on a second after their deadline.
 * @property {Percentiles} waitMs
 */

/**
 * @typedef {object} LaneStatistics
 * @property {number} waiting
 * @property {number} running
 * @property {number} finished
 * @property {Percentiles} waitMs
 */

/**
 * @typedef {object} BreakerStatistics
 * @property {"closed" | "open" | "half-open" | "forced-open"} state
 * @property {number} calls         In its window.
 * @property {number} failures
 * @property {number} slow
 * @property {number} opens         Since the start.
 * @property {number} retryAfterMs  0 where a call would be let through.
 */

/**
 * @typedef {object} ModelStatistics
 * @property {BackendReport | null} backend
 * @property {number} runs
 * @property {Percentiles} inferMs
 * @property {number | null} openMs
 * @property {Plan[]} plans  The ways to run it here, as far as they are known.
 */

/**
 * @typedef {object} Plan
 * @property {string} backend       wasm, webgpu, webnn-cpu, webnn-gpu or webnn-npu.
 * @property {string} precision     fp32, fp16 or int8.
 * @property {number} threads
 * @property {number | null} ms     Median of one run as measured here.
 * @property {string | null} refused  Why it is not used.
 */

/**
 * @typedef {object} ModelMemory
 * @property {number} budgetBytes
 * @property {number} sessionsBytes              What open models account for.
 * @property {Record<string, number>} heapBytes  What engines took, by lane.
 * @property {number} evicted                    Models that made room for others, since the start.
 * @property {number} recycled                   Engines ended because their memory had grown.
 * @property {number} killed                     Engines ended in the middle of a run.
 */

/** @typedef {{version: string, runs: number, failures: number, strikes: number}} TaskStatistics */

/**
 * @typedef {object} VmStatistics
 * @property {"workers" | "inline"} mode  Where tasks run: in VMs, or beside the core.
 * @property {string | null} reason       Why beside the core, where VMs were meant.
 * @property {number} ready               VMs that serve,
 * @property {number} spare               and one that waits to.
 * @property {number} running             Runs in them.
 * @property {number | null} startMs      What the latest start took.
 * @property {number[]} heapBytes         As of their latest runs.
 * @property {number} started             Since the start, as is what follows.
 * @property {number} killed              Hung or broken.
 * @property {number} recycled            Worn.
 */

export {};
