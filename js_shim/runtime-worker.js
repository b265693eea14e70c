/**
 * The runtime worker: boots Python, hands it the browser, and passes messages both ways.
 *
 * No promise wraps a Python coroutine: requests go in through one synchronous `dispatch`, answers come
 * back through `reply` with the request's id (docs/decisions/0003).
 */

import { createSteps, startPython } from "./boot.js";
import { EdgeError, errorFromPlain, toPlainError } from "./errors.js";
import { greet } from "./handshake.js";
import { createJsHost } from "./host/index.js";
import { join, readBlobs, split } from "./plain.js";
import { answer, createRpc } from "./rpc.js";

/** @import { RuntimeOptions, StatusBody } from "./protocol.js" */
/** @import { Rpc } from "./rpc.js" */

const CORE_MS = 45_000;
const METHODS = ["infer", "flush", "statistics", "get", "put", "delete", "pause", "resume", "stop"];

/** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: unknown) => void}>} */
const waiting = new Map();
let lastId = 0;

/**
 * Put one request to Python.
 * @param {any} core
 * @param {string} method
 * @param {unknown} params
 * @throws {EdgeError} argument-invalid: the parameters are no plain data.
 */
async function dispatch(core, method, params) {
  const { json, buffers } = await detached(method, params);
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    core.dispatch(id, method, json, buffers);
  });
}

/**
 * @param {string} method
 * @param {any} params
 */
async function detached(method, params) {
  try {
    // Only a task's data holds Blobs; every other request goes on in this turn.
    return split(method === "infer" ? await readBlobs(params) : params);
  } catch (error) {
    const text = `${method}: ${error instanceof Error ? error.message : error}. Correct the call.`;
    throw new EdgeError("argument-invalid", text, { method }, error);
  }
}

/**
 * Python's answer to request `id`.
 * @param {number} id
 * @param {string} json  `{"value": …}` or `{"error": PlainError}`.
 * @param {Uint8Array[]} buffers
 */
function reply(id, json, buffers) {
  const call = waiting.get(id);
  waiting.delete(id);
  const { value, error } = /** @type {any} */ (join(json, buffers));
  if (error) call?.reject(errorFromPlain(error));
  else call?.resolve(answer(value, ownedBy(buffers)));
}

/**
 * The memory behind buffers that Python copied out for us: it can move on to the page.
 * @param {Uint8Array[]} buffers
 * @returns {Transferable[]}
 */
function ownedBy(buffers) {
  return [...new Set(buffers.map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer)))];
}

/**
 * @param {Rpc} rpc
 * @param {any} core
 * @returns {Record<string, (params: any) => unknown>}
 */
function handlersFor(rpc, core) {
  const requests = METHODS.map((method) => [
    method,
    (/** @type {any} */ params) => dispatch(core, method, params),
  ]);
  return {
    ...Object.fromEntries(requests),
    track: ({ batch }) => guarded(rpc, "track", () => core.track(batch)),
  };
}

/**
 * @param {MessagePort} port
 * @param {RuntimeOptions} options
 */
async function start(port, options) {
  const startedMs = performance.now();
  /** @type {any} */
  let core;
  /** @type {Record<string, (params: any) => unknown>} */
  const handlers = {};
  const rpc = createRpc(port, {
    handlers,
    onNotice: (name, body) => onNotice(rpc, core, name, body),
  });
  const status = (/** @type {StatusBody} */ body) => rpc.notify("status", body);
  const { step, stepsMs } = createSteps((name) => status({ state: "booting", step: name }));
  const root = new URL("./", location.href).href;
  try {
    const { json } = await detached("start", options);
    const { python, mode, coldReason } = await startPython(step, root, (level, message) =>
      rpc.notify("log", { level, message }),
    );
    const host = createJsHost(python, root, rpc, reply);
    const started = await step("core", CORE_MS, () =>
      python.pyimport("edge_runtime.host.browser").boot(host, json),
    );
    if (started.error_json) throw errorFromPlain(JSON.parse(started.error_json));
    core = methodsOf(started.core);
    Object.assign(handlers, handlersFor(rpc, core));
    stepsMs.loading = Math.round(options.loadingMs);
    const totalMs = Math.round(options.loadingMs + performance.now() - startedMs);
    const boot = {
      mode,
      ...(coldReason && { coldReason }),
      crossOriginIsolated: Boolean(globalThis.crossOriginIsolated),
      stepsMs,
      totalMs,
    };
    handlers.statistics = async () => {
      const { value } = await dispatch(core, "statistics", {});
      const pythonHeapBytes = python._module.HEAPU8.byteLength;
      return { ...value, boot, memory: { pythonHeapBytes } };
    };
    status({ state: "ready", boot, problems: JSON.parse(started.problems_json) });
  } catch (error) {
    status({ state: "failed", error: toPlainError(error, "boot-failed") });
  }
}

/**
 * Look each method up once: every look-up of a Python object's attribute makes a new proxy.
 * @param {any} core
 */
function methodsOf({ dispatch, track, cancel }) {
  return { dispatch, track, cancel };
}

/**
 * @param {Rpc} rpc
 * @param {any} core
 * @param {string} name
 * @param {any} body
 */
function onNotice(rpc, core, name, body) {
  if (name === "ping") rpc.notify("pong", {});
  else if (name === "cancel") guarded(rpc, name, () => core?.cancel(body.callId));
}

/**
 * Tell the page of a defect: uncaught it would count as a crash of the worker, and nobody waits for an answer.
 * @param {Rpc} rpc
 * @param {string} name
 * @param {() => void} action
 */
function guarded(rpc, name, action) {
  try {
    action();
  } catch (error) {
    rpc.notify("log", { level: "error", message: `${name}: ${error}` });
  }
}

greet(start);
