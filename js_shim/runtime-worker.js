/**
 * The runtime worker: boots Python, hands it the browser, and passes messages both ways.
 *
 * No promise wraps a Python coroutine: requests go in through one synchronous `dispatch`, answers come
 * back through `reply` with the request's id (docs/decisions/0003).
 */

import { createSteps, startPython } from "./boot.js";
import { errorFromPlain, toPlainError } from "./errors.js";
import { greet } from "./handshake.js";
import { createJsHost } from "./host/index.js";
import { join, readBlobs, split } from "./plain.js";
import { createRpc } from "./rpc.js";

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
 */
function dispatch(core, method, params) {
  const { json, buffers } = split(params);
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    core.dispatch(id, method, json, buffers);
  });
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
  else call?.resolve(value);
}

/**
 * @param {any} core
 * @returns {Record<string, (params: any) => Promise<unknown>>}
 */
function handlersFor(core) {
  const handlers = Object.fromEntries(
    METHODS.map((method) => [
      method,
      (/** @type {any} */ params) => dispatch(core, method, params),
    ]),
  );
  handlers.infer = async (params) => dispatch(core, "infer", await readBlobs(params));
  return handlers;
}

/**
 * @param {MessagePort} port
 * @param {RuntimeOptions} options
 */
async function start(port, options) {
  const startedMs = performance.now();
  /** @type {any} */
  let core;
  /** @type {Record<string, (params: any) => Promise<unknown>>} */
  const handlers = {};
  const rpc = createRpc(port, {
    handlers,
    onNotice: (name, body) => onNotice(rpc, core, name, body),
  });
  const status = (/** @type {StatusBody} */ body) => rpc.notify("status", body);
  const { step, stepsMs } = createSteps((name) => status({ state: "booting", step: name }));
  try {
    const { python, mode, coldReason } = await startPython(step, new URL("./", location.href).href);
    const host = createJsHost(python, rpc, reply);
    const started = await step("core", CORE_MS, () =>
      python.pyimport("edge_runtime.host.browser").boot(host, JSON.stringify(options)),
    );
    if (started.error_json) throw errorFromPlain(JSON.parse(started.error_json));
    core = started.core;
    Object.assign(handlers, handlersFor(core));
    const totalMs = Math.round(performance.now() - startedMs);
    const boot = {
      mode,
      ...(coldReason && { coldReason }),
      crossOriginIsolated: Boolean(globalThis.crossOriginIsolated),
      stepsMs,
      totalMs,
    };
    status({ state: "ready", boot, problems: JSON.parse(started.problems_json) });
  } catch (error) {
    status({ state: "failed", error: toPlainError(error, "boot-failed") });
  }
}

/**
 * @param {Rpc} rpc
 * @param {any} core
 * @param {string} name
 * @param {any} body
 */
function onNotice(rpc, core, name, body) {
  if (name === "ping") rpc.notify("pong", {});
  else if (name === "track") core?.track(body.batch);
  else if (name === "cancel") core?.cancel(body.callId);
}

greet(start);
