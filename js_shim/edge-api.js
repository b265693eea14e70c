/** The public API: what a page calls, joined from capture, buffer and supervision. */

import {
  checkBoolean,
  checkConfig,
  checkInfer,
  checkKey,
  checkOn,
  checkPut,
  checkStart,
  checkTrack,
} from "./arguments.js";
import { createEmitter } from "./emitter.js";
import { EdgeError, toPlainError } from "./errors.js";
import { createEventBuffer, worthOf } from "./event-buffer.js";
import { propsText } from "./event-props.js";
import { eventIds, randomHex } from "./identifiers.js";
import { createInfer } from "./infer-call.js";
import { beginSession, configSource } from "./page-session.js";
import { createRouter } from "./router.js";
import { endErasing } from "./stored-data.js";

/** @import { InferOptions, StartOptions } from "./arguments.js" */
/** @import { PlainError, RunResult } from "./protocol.js" */
/** @import { PageSession } from "./page-session.js" */
/** @import { Edge } from "./types.js" */

/**
 * @param {string} scriptBase  URL of the folder this script came from, with a slash at its end.
 * @returns {Edge}
 */
export function createEdge(scriptBase) {
  const emitter = createEmitter();
  const warn = (/** @type {string} */ message) =>
    emitter.emit("log", { level: "warning", message });
  const buffer = createEventBuffer({ onDrop: (reason) => warn(`events dropped: ${reason}`) });
  const nextId = eventIds();
  const infer = createInfer();
  const name = randomHex();
  /** @type {PageSession | undefined} */
  let session;
  /** @type {Promise<unknown> | undefined} */
  let stopping;
  let stops = 0;
  /** @type {StartOptions | undefined} Of the start that holds, or waits for consent. */
  let asked;
  /** @type {StartOptions | undefined} The same behind its end, too: an erasure needs them. */
  let known;
  /** A refusal came, and what is stored is not gone yet. */
  let owesErasure = false;
  /** @type {boolean | undefined} The person's latest word on this page; none: what `start` says. */
  let answer;
  const isRefused = () => (answer ?? asked?.consent) === false;

  /** @param {string} method */
  function supervisorFor(method) {
    if (session) return session.supervisor;
    const call = isRefused() ? "consent(true) once it is given" : "start() first";
    const text = `${method}: expected a started runtime, got none. Call ${call}.`;
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
   * Tell listeners of `answer` how a call ended; its caller alone is told otherwise.
   * @param {InferOptions} options
   * @param {Promise<RunResult>} answer
   */
  function tellOf({ systemCode, businessCode }, answer) {
    const askedMs = performance.now();
    const tell = (/** @type {{result?: RunResult, error?: PlainError}} */ outcome) => {
      const tookMs = performance.now() - askedMs;
      emitter.emit("answer", { systemCode, businessCode, tookMs, ...outcome });
    };
    answer.then(
      (result) => tell({ result }),
      (error) => tell({ error: toPlainError(error, "worker-lost") }),
    );
  }

  /** @param {"pause" | "resume"} method */
  async function pauseOrResume(method) {
    const asked = session;
    await call(method, {});
    asked?.keepPause(method === "pause");
  }

  /** @param {StartOptions} options */
  async function begin(options) {
    const stopsBefore = stops;
    // Only then may it wait: calls right behind a first start() must find it begun.
    if (stopping) await stopping;
    if (stops !== stopsBefore) throw stoppedWhileWaiting();
    session ??= opened(options);
    await session.booted();
  }

  /** @param {StartOptions} options @param {boolean} [isErasing] */
  function opened(options, isErasing) {
    const { track, flush } = edge;
    const page = { name, scriptBase, emitter, buffer, track, flush, warn, isErasing };
    return beginSession(options, page);
  }

  /**
   * The session is over; what `start` asks for meanwhile waits for its end.
   * @param {Promise<void> | undefined} ending
   */
  async function close(ending) {
    stops++;
    session = undefined;
    const settled = Promise.allSettled([stopping, ending]);
    if (ending) stopping = settled;
    await settled;
    if (stopping === settled) stopping = undefined;
    await ending;
  }

  /**
   * @param {PageSession | undefined} own
   * @param {Promise<unknown> | undefined} former  Only then may another session open the store.
   */
  async function erased(own, former) {
    owesErasure = true;
    if (former) await former;
    const options = known;
    await endErasing(own, options && (() => opened(options, true)));
    owesErasure = false;
  }

  /** @type {Edge} */
  const edge = {
    version: __BUILD_ID__,
    EdgeError,

    async start(options) {
      const checked = checkStart(options);
      if (!session) asked = known = checked;
      if (!isRefused()) await begin(checked);
      else if (owesErasure) await edge.consent(false);
      else buffer.clear();
      return edge;
    },

    async consent(granted) {
      checkBoolean("consent", granted);
      answer = granted;
      if (granted) return asked && begin(asked);
      buffer.clear();
      await close(erased(session, stopping));
    },

    async infer(options) {
      const checked = checkInfer(options);
      const answer = infer.call(supervisorFor("infer"), checked);
      tellOf(checked, answer);
      return answer;
    },

    track(event) {
      try {
        const { type, pageId, clickId, pv = clickId === undefined, props = {} } = checkTrack(event);
        const json = propsText(props);
        const [id, ts] = [nextId(), Date.now()];
        const row = [id, ts, type, pageId, clickId ?? null, pv ? 1 : 0];
        const text = `${JSON.stringify(row).slice(0, -1)},${json}]`;
        if (isRefused()) return;
        const worth = worthOf(type, pv);
        buffer.add({ text, worth });
        if (worth > 1) session?.need();
        emitter.emit("event", { id, ts, type, pageId, clickId, pv, props });
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
      const isSent = buffer.mark();
      let isLast;
      do {
        await supervisorFor("flush").wake();
        buffer.send();
        isLast = isSent();
        await call("flush", {});
      } while (!isLast);
    },

    async statistics() {
      const statistics = await call("statistics", {});
      return Object.freeze({ ...statistics, page: { ...buffer.counts, refused: infer.refused } });
    },

    pause: () => pauseOrResume("pause"),

    resume: () => pauseOrResume("resume"),

    async reconfigure(config) {
      checkConfig("reconfigure", config);
      return call("reconfigure", { config: configSource("reconfigure", config) });
    },

    reload: () => call("reload", {}),

    trace: () => call("trace", {}),

    async erase() {
      await call("erase", {});
    },

    async stop() {
      asked = undefined;
      await close(session?.end());
    },

    router: createRouter((params) => edge.infer(params)),
  };
  return edge;
}

function stoppedWhileWaiting() {
  const text = "start: expected no stop() meanwhile, got one. Call start() again.";
  return new EdgeError("runtime-stopped", text);
}
