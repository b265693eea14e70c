/** The public API: what a page calls, joined from capture, buffer and supervision. */

import { checkInfer, checkKey, checkStart, checkTrack } from "./arguments.js";
import { startCapture } from "./capture.js";
import { createEmitter } from "./emitter.js";
import { EdgeError } from "./errors.js";
import { createEventBuffer } from "./event-buffer.js";
import { createRouter } from "./router.js";
import { Supervisor } from "./supervisor.js";

/** @import { InferOptions, StartOptions, TrackOptions } from "./arguments.js" */
/** @import { RunResult } from "./protocol.js" */
/** @import { Rpc } from "./rpc.js" */

const IDLE_DEADLINE_MS = 2_000;

/**
 * @typedef {object} Edge  The public API.
 * @property {string} version
 * @property {typeof EdgeError} EdgeError
 * @property {(options: StartOptions) => Promise<Edge>} start
 *   Workers boot when the page is idle, or at first use; resolves when the runtime is ready. A second call joins the first.
 * @property {(options: InferOptions) => Promise<RunResult>} infer  Run the task registered for the pair of codes.
 * @property {(event: TrackOptions) => void} track
 *   Add an event by hand; never throws, never blocks. Mistakes arrive as `log` warnings.
 * @property {(name: "result" | "error" | "status" | "log", listener: (body: any) => void) => () => void} on
 *   Listen until the returned function is called.
 * @property {(key: string) => Promise<unknown>} get  The value of a key; null when there is none.
 * @property {(key: string, value: unknown, options?: {encrypted?: boolean}) => Promise<void>} put
 *   Keep a small JSON-able value; durable when the promise resolves.
 * @property {(key: string) => Promise<void>} delete
 * @property {() => Promise<void>} flush  Resolves when everything tracked so far is durable.
 * @property {() => Promise<Readonly<Record<string, any>>>} statistics
 *   One frozen record about queues, models, tasks, store and the page's own buffer.
 * @property {() => Promise<void>} pause   Start no more runs; `infer` is refused, what events trigger waits.
 * @property {() => Promise<void>} resume  Start what waits.
 * @property {() => Promise<void>} stop    Leave no listener, worker or patched function behind.
 * @property {ReturnType<typeof createRouter>} router  The native call's mirror.
 */

/**
 * @param {string} scriptBase  URL of the folder this script came from, with a slash at its end.
 * @returns {Edge}
 */
export function createEdge(scriptBase) {
  const emitter = createEmitter();
  let buffer = createEventBuffer();
  /** @type {Supervisor | undefined} */
  let supervisor;
  /** @type {(() => void)[]} */
  let releases = [];
  let lastCallId = 0;
  const warn = (/** @type {string} */ message) =>
    emitter.emit("log", { level: "warning", message });

  /**
   * @param {string} method
   * @param {unknown} params
   * @returns {Promise<any>}
   */
  async function call(method, params) {
    if (!supervisor)
      throw new EdgeError(
        "runtime-stopped",
        `${method}: expected a started runtime, got none. Call start() first.`,
      );
    return supervisor.call(method, params);
  }

  /** @param {Rpc | undefined} rpc */
  function onConnection(rpc) {
    buffer.connect(rpc && ((batch) => rpc.notify("track", { batch })));
  }

  /** @type {Edge} */
  const edge = {
    version: __BUILD_ID__,
    EdgeError,

    async start(options) {
      const { config, base = scriptBase, capture = true } = checkStart(options);
      if (!supervisor) {
        const started = performance.now();
        supervisor = new Supervisor({
          createWorker: () =>
            new Worker(new URL(__RUNTIME_WORKER__, new URL(base, document.baseURI)), {
              type: "module",
              name: "edge-runtime",
            }),
          options: {
            config: typeof config === "string" ? new URL(config, document.baseURI).href : config,
            base: document.baseURI,
            loadingMs: started,
          },
          emit: emitter.emit,
          onConnection,
        });
        releases = [
          whenIdle(() => supervisor?.wake().catch(() => {})),
          flushWhenHidden(() => edge.flush()),
        ];
        if (capture) releases.push(startCapture(edge.track, warn));
      }
      const own = supervisor;
      await new Promise((resolve, reject) => {
        const off = emitter.on("status", check);
        function check() {
          if (own.state === "idle" || own.state === "booting") return;
          off();
          own.wake().then(resolve, reject);
        }
        check();
      });
      return edge;
    },

    async infer(options) {
      const { signal, ...params } = checkInfer(options);
      const callId = ++lastCallId;
      const own = supervisor;
      const cancel = () => own?.notify("cancel", { callId });
      if (signal) await own?.wake();
      if (signal?.aborted)
        throw new EdgeError("run-cancelled", "infer: its signal was aborted before the call.");
      signal?.addEventListener("abort", cancel, { once: true });
      try {
        return await call("infer", { callId, ...params });
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

    on: (name, listener) => emitter.on(name, listener),

    get: async (key) => call("get", { key: checkKey("get", key) }),

    async put(key, value, { encrypted = true } = {}) {
      await call("put", { key: checkKey("put", key), value, encrypted });
    },

    async delete(key) {
      await call("delete", { key: checkKey("delete", key) });
    },

    async flush() {
      await supervisor?.wake();
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
      const ending = supervisor;
      supervisor = undefined;
      for (const release of releases) release();
      releases = [];
      if (ending?.state === "ready") await ending.call("stop", {}).catch(() => {});
      ending?.stop();
      buffer = createEventBuffer();
    },

    router: createRouter((params) => edge.infer(params)),
  };
  return edge;
}

/**
 * @param {() => void} action
 * @returns {() => void}
 */
function whenIdle(action) {
  if (typeof requestIdleCallback === "function") {
    const id = requestIdleCallback(action, { timeout: IDLE_DEADLINE_MS });
    return () => cancelIdleCallback(id);
  }
  // WebKit has no idle callback: a turn after the page's own work is the nearest thing.
  const id = setTimeout(action, 200);
  return () => clearTimeout(id);
}

/**
 * @param {() => Promise<void>} flush
 * @returns {() => void}
 */
function flushWhenHidden(flush) {
  const stopping = new AbortController();
  const now = () => void (document.visibilityState === "hidden" && flush().catch(() => {}));
  document.addEventListener("visibilitychange", now, { signal: stopping.signal });
  return () => stopping.abort();
}

function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
