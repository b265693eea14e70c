/**
 * The messages between the runtime worker and an inference worker. Shapes only: imports nothing, does nothing.
 *
 * Requests runtime worker → inference worker: method, params → value.
 *
 * - `probe` {accelerators: boolean} → Facts, of this worker and its policy
 * - `load` Target → {}, once the engine of its build is up
 * - `open` OpenParams → Opened
 * - `run` {session, feeds: WireTensor[] (transferred)} → Ran
 * - `release` {session} → {}
 *
 * Notice inference worker → runtime worker: `doomed` PlainError, the realm broke outside of any request.
 *
 * Errors are `inference-failed` with details `poisoned`: the worker is of no more use; `unavailable`: the accelerator
 * does not run this, another backend may; `deviceLost`: the GPU's device ended.
 */

/**
 * @typedef {object} Target  Where a session runs; all of a lane have the same but for `dimensions`.
 * @property {"wasm" | "webgpu" | "webnn"} backend
 * @property {"cpu" | "gpu" | "npu"} [device]           WebNN's.
 * @property {"wasm" | "jspi" | "asyncify"} build       Of onnxruntime-web.
 * @property {number} threads
 * @property {Record<string, number>} [dimensions]      Sizes of the model's named axes.
 */

/**
 * @typedef {object} External  A file that a model refers to.
 * @property {string} path       As the model spells it.
 * @property {ArrayBuffer} data  Transferred.
 */

/**
 * @typedef {object} OpenParams
 * @property {string} session      Replaces the one of this name.
 * @property {ArrayBuffer} data    The ONNX file; transferred.
 * @property {External[]} external
 * @property {Target} target
 */

/**
 * @typedef {object} Reached
 * @property {string} name
 * @property {string} [device]
 * @property {number} threads
 */

/**
 * @typedef {object} Placement  Read from what the engine does, not from what it was asked for.
 * @property {boolean | null} onAccelerator  null: not known before the first run (WebGPU).
 * @property {number} work  WebNN: graphs built by the open, dispatches of the run; WebGPU: dispatches; wasm: 0.
 */

/**
 * @typedef {object} Opened
 * @property {WireSpec[]} inputs
 * @property {WireSpec[]} outputs
 * @property {Reached} backend
 * @property {Placement} placement
 * @property {number} heapBytes  Of the realm's wasm memory, which never shrinks.
 * @property {number} openMs     Inside the worker, file and engine at hand.
 */

/**
 * @typedef {object} Ran
 * @property {WireTensor[]} outputs
 * @property {Placement} placement
 * @property {number} inferMs
 * @property {number} heapBytes
 */

/**
 * @typedef {object} WireTensor
 * @property {string} name
 * @property {string} dtype    ONNX's spelling: float32, int64, bool, string …
 * @property {number[]} shape
 * @property {ArrayBuffer} data  Little-endian, row-major; texts as UTF-8, each ended by NUL. Transferred: empty for the sender.
 */

/**
 * @typedef {object} WireSpec
 * @property {string} name
 * @property {string} dtype
 * @property {(number | string | null)[]} shape  A dynamic axis: its name, or null.
 */

export {};
