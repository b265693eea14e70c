/** The public API: what a page calls, joined from capture, buffer and supervision. */

import {
  absolute,
  checkInfer,
  checkKey,
  checkOn,
  checkPut,
  checkStart,
  checkTrack,
} from "./arguments.js";
import { startCapture } from "./capture.js";
import { createEmitter } from "./emitter.js";
import { EdgeError } from "./errors.js";
import { createEventBuffer } from "./event-buffer.js";
import { randomId } from "./identifiers.js";
import { whenHidden, whenIdle } from "./page-lifecycle.js";
import { patiently } from "./patience.js";
import { createRouter } from "./router.js";
import { Supervisor } from "./supervisor.js";

/** @import { StartOptions } from "./arguments.js" */
/** @import { Edge } from "./types.js" */

const STOP_DEADLINE_MS = 5_000;

/**
 * @typedef {object} Started  What `stop` takes apart.
 * @property {Supervisor} supervisor
 * @property {(() => void)[]} releases
 */

/**
 * @param {string} scriptBase  URL of the folder this script came from, with a slash at its end.
 * @returns {Edge}
 */
export function createEdge(scriptBase) {
  const emitter = createEmitter();
  const warn = (/** @type {string} */ message) =>
    emitter.emit("log", { level: "warning", message });
  const buffer = createEventBuffer({ onFull: () => warn("events dropped: too many are waiting.") });
  /** @type {Started | undefined} */
  let started;
  /** @type {Promise<void> | undefined} */
  let stopping;
  let lastCallId = 0;

  /** @param {string} method */
  function supervisorFor(method) {
    if (started) return started.supervisor;
    const text = `${method}: expected a started runtime, got none. Call start() first.`;
    throw new EdgeError("runtime-stopped", text);
  }

  /**
   * @param {string} method
   * @param {unknown} params
   * @returns {Promise<any>}
   */
  async function call(method, params) {
    return supervisorFor(method).call(method, params);
  }

  /**
   * @param {StartOptions} options
   * @returns {Started}
   */
  function begin({ config, base = scriptBase, capture = true }) {
    /** @type {number | undefined} The first worker's loading began here; a later one replaces it. */
    let askedMs = performance.now();
    // A folder, whether or not its URL ends as one.
    const folder = absolute("start.base", base.replace(/\/?$/, "/"), document.baseURI);
    const scriptUrl = absolute("start.base", __RUNTIME_WORKER__, folder);
    const source = resolved(config);
    const supervisor = new Supervisor({
      scriptUrl,
      createWorker: () => new Worker(scriptUrl, { type: "module", name: "edge-runtime" }),
      options() {
        const loadingMs = askedMs === undefined ? 0 : performance.now() - askedMs;
        askedMs = undefined;
        return { config: source, base: document.baseURI, loadingMs };
      },
      emit: emitter.emit,
      onConnection: (rpc) => buffer.connect(rpc && ((batch) => rpc.notify("track", { batch }))),
    });
    const flush = () => supervisor.state === "ready" && edge.flush().catch(() => {});
    const releases = [whenIdle(() => supervisor.wake().catch(() => {})), whenHidden(flush)];
    if (capture) releases.push(startCapture(edge.track, warn));
    return { supervisor, releases };
  }

  /**
   * Settle when the boot does, without asking for one.
   * @param {Supervisor} supervisor
   */
  function untilBooted(supervisor) {
    return new Promise((resolve, reject) => {
      const off = emitter.on("status", check);
      function check() {
        if (supervisor.state === "idle" || supervisor.state === "booting") return;
        off();
        supervisor.wake().then(resolve, reject);
      }
      check();
    });
  }

  /** @param {Started} ending */
  async function end({ supervisor, releases }) {
    for (const release of releases) release();
    buffer.drain();
    await farewell(supervisor);
    supervisor.stop();
    stopping = undefined;
  }

  /** @type {Edge} */
  const edge = {
    version: __BUILD_ID__,
    EdgeError,

    async start(options) {
      const checked = checkStart(options);
      // Only then may it wait: calls right behind a first start() must find it begun.
      if (stopping) await stopping;
      started ??= begin(checked);
      await untilBooted(started.supervisor);
      return edge;
    },

    async infer(options) {
      const { signal, ...params } = checkInfer(options);
      const supervisor = supervisorFor("infer");
      const request = { callId: ++lastCallId, ...params };
      // A caller may change its data while the runtime boots: what counts is the call's moment.
      const extData = supervisor.state === "ready" ? request.extData : copied(request.extData);
      const askedMs = performance.now();
      await patiently(supervisor.wake(), { signal, timeoutMs: request.timeoutMs });
      const timeoutMs =
        request.timeoutMs && Math.max(1, request.timeoutMs - (performance.now() - askedMs));
      const cancel = () => supervisor.notify("cancel", { callId: request.callId });
      signal?.addEventListener("abort", cancel, { once: true });
      try {
        return await supervisor.call("infer", { ...request, extData, timeoutMs });
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    },

    track(event) {
      try {
        const { type, pageId, clickId, pv = clickId === undefined, props } = checkTrack(event);
        buffer.add({ id: randomId(), ts: Date.now(), type, pageId, clickId, pv, props });
      } catch (error) {
        warn(`event dropped: ${error instanceof Error ? error.message : error}`);
      }
    },

    on(name, listener) {
      checkOn(name, listener);
      return emitter.on(name, listener);
    },

    get: async (key) => call("get", { key: checkKey("get", key) }),

    async put(key, value, options = {}) {
      await call("put", { key, value, ...checkPut(key, value, options) });
    },

    async delete(key) {
      await call("delete", { key: checkKey("delete", key) });
    },

    async flush() {
      await supervisorFor("flush").wake();
      buffer.drain();
      await call("flush", {});
    },

    async statistics() {
      const statistics = await call("statistics", {});
      return Object.freeze({ ...statistics, page: buffer.counts });
    },

    async pause() {
      await call("pause", {});
    },

    async resume() {
      await call("resume", {});
    },

    async stop() {
      const ending = started;
      started = undefined;
      if (ending) stopping = end(ending);
      await stopping;
    },

    router: createRouter((params) => edge.infer(params)),
  };
  return edge;
}

/** @param {StartOptions["config"]} config */
function resolved(config) {
  return typeof config === "string" ? absolute("start.config", config, document.baseURI) : config;
}

/**
 * Let a ready worker make everything durable; one that hangs is not waited for.
 * @param {Supervisor} supervisor
 */
async function farewell(supervisor) {
  if (supervisor.state !== "ready") return;
  const timeoutMs = STOP_DEADLINE_MS;
  await patiently(supervisor.call("stop", {}), { timeoutMs }).catch(() => {});
}

/**
 * @template T
 * @param {T} data
 * @returns {T}
 */
function copied(data) {
  try {
    return structuredClone(data);
  } catch (error) {
    const text = `infer.extData: expected plain data, got ${error}.`;
    throw new EdgeError("argument-invalid", text, { path: "infer.extData" }, error);
  }
}
