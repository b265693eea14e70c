/** One start of the runtime on a page: the supervisor, and what listens on the page for it. */

import { absolute, copied } from "./arguments.js";
import { startCapture } from "./capture.js";
import { createDelivery } from "./delivery.js";
import { createOutbox } from "./outbox.js";
import { savesData, whenActive, whenHidden, whenIdle, whenLeft } from "./page-lifecycle.js";
import { patiently } from "./patience.js";
import { startWorker, without } from "./script-url.js";
import { Supervisor } from "./supervisor.js";

/** @import { StartOptions } from "./arguments.js" */
/** @import { createEmitter } from "./emitter.js" */
/** @import { createEventBuffer } from "./event-buffer.js" */
/** @import { EdgeError } from "./errors.js" */
/** @import { Edge } from "./types.js" */

/** Another script's `toJSON`, or another `JSON`, writes it differently. */
const PLAIN = '{"a":["b"]}';
const STOP_DEADLINE_MS = 5_000;

/**
 * @typedef {object} Page  The parts that outlive a session.
 * @property {string} name  Among clients.
 * @property {string} scriptBase
 * @property {ReturnType<typeof createEmitter>} emitter
 * @property {ReturnType<typeof createEventBuffer>} buffer
 * @property {Edge["track"]} track
 * @property {Edge["flush"]} flush
 * @property {(message: string) => void} warn
 * @property {boolean | undefined} isErasing  It is opened to erase what is stored, and does nothing else.
 */

/** @typedef {ReturnType<typeof beginSession>} PageSession */

/**
 * @param {StartOptions} options
 * @param {Page} page
 * @throws {EdgeError} argument-invalid: an address that is none.
 */
export function beginSession(options, { emitter, buffer, isErasing, ...page }) {
  /** This page's pause was answered and holds: for the worker that replaces a lost one. */
  let isPaused = false;
  /** @type {unknown} The configuration put in force since the start, by any page: for that worker, too. */
  let reconfigured;
  const deliver = createDelivery(emitter.emit);
  const outbox = createOutbox();
  const { options: optionsOf, ...worker } = workerFor(options, page.scriptBase);
  /** @type {EdgeError | undefined} A script of the page has broken what capture or the worker stand on. */
  let broken;
  const supervisor = new Supervisor({
    ...worker,
    createWorker() {
      if (broken) throw broken;
      return worker.createWorker();
    },
    options: (struck) => ({
      ...optionsOf(),
      page: page.name,
      isPaused,
      isErasing,
      reconfigured,
      struck,
    }),
    emit(name, body) {
      if (name === "overruled") isPaused = false;
      else if (name === "reconfigured") reconfigured = body.config;
      else {
        if (body.state === "unsupported") leaveAlone(body.reason);
        deliver(name, body);
      }
    },
    onConnection(rpc) {
      // A session that ends brings nothing: what it is to erase must run no task.
      if (rpc && !signal.aborted) outbox.exchange(rpc).catch(() => {});
      buffer.connect(rpc && ((batch, isAgain) => rpc.call("track", { batch, isAgain })));
    },
  });
  const flush = () => supervisor.state === "ready" && page.flush().catch(() => {});
  /** @param {boolean} isFreezing */
  const leave = (isFreezing) => {
    outbox.write(buffer.unconfirmed).catch(() => {});
    if (isFreezing) supervisor.rest();
    // All of it in this turn: a later one may never come.
    else buffer.send(Infinity);
  };
  const stopping = new AbortController();
  const { signal } = stopping;
  const wakeWhenIdle = () => whenIdle(() => supervisor.wake().catch(() => {}), signal);
  const live = () => {
    try {
      if (JSON.stringify(JSON.parse(PLAIN)) !== PLAIN) throw "JSON";
      attend();
    } catch (error) {
      broken = without(error);
      supervisor.wake().catch(() => {});
    }
  };
  const attend = () => {
    // First: what it tracks as the page is left is to be flushed and sent.
    if (!isErasing && (options.capture ?? true))
      startCapture({ ...page, signal }, options.exposure);
    whenHidden(flush, signal);
    whenLeft({ leave, back: () => whenIdle(() => supervisor.rouse(), signal) }, signal);
    if (!savesData()) wakeWhenIdle();
  };
  whenActive(live, signal);
  /** @param {string} reason */
  function leaveAlone(reason) {
    stopping.abort();
    buffer.close(reason);
  }
  return {
    supervisor,

    /** @param {boolean} holds  Whether this page's latest word was `pause`. */
    keepPause(holds) {
      isPaused = holds;
    },

    /** Settle when the boot does, without asking for one. */
    booted() {
      return new Promise((resolve, reject) => {
        const off = emitter.on("status", check);
        function check() {
          if (supervisor.state === "idle" || supervisor.state === "booting") return;
          off();
          supervisor.wake().then(resolve, reject);
        }
        check();
      });
    },

    /** Something happened that tasks may wait for: with Save-Data the worker is not loaded before. */
    need() {
      if (supervisor.state === "idle" && savesData()) wakeWhenIdle();
    },

    /**
     * Take everything apart; a ready worker may make its data durable first.
     * @param {boolean} [erases]  What is stored; for that a worker boots.
     * @throws {EdgeError} What kept it from erasing; the end has come nevertheless.
     */
    async end(erases) {
      stopping.abort();
      buffer.send(Infinity);
      try {
        if (erases) {
          // It may rest, and nobody hears any more when the page is back.
          supervisor.rouse();
          await supervisor.call("erase", {});
          await outbox.clear().catch(() => {});
        }
        await farewell(supervisor);
      } finally {
        supervisor.stop();
      }
    },
  };
}

/**
 * @param {StartOptions} options
 * @param {string} scriptBase
 */
function workerFor({ config, base, trace = false, profile = false, vms }, scriptBase) {
  // A folder, whether or not its URL ends as one.
  const folder = absolute(
    "start.base",
    (base ?? scriptBase).replace(/\/?$/, "/"),
    document.baseURI,
  );
  const scriptUrl = absolute("start.base", __RUNTIME_WORKER__, folder);
  const source = configSource("start", config);
  /** @type {number | undefined} The first worker's loading began here; a later one replaces it. */
  let askedMs = performance.now();
  return {
    scriptUrl,
    createWorker: () => startWorker(scriptUrl, "edge-runtime"),
    options() {
      const loadingMs = askedMs === undefined ? 0 : performance.now() - askedMs;
      askedMs = undefined;
      const asked = { trace, profile, ...(vms !== undefined && { vms }) };
      return { config: source, base: document.baseURI, loadingMs, ...asked };
    },
  };
}

/**
 * A configuration as it is sent: an address that holds anywhere, or the data of this moment.
 * @param {string} call
 * @param {StartOptions["config"]} config
 * @throws {EdgeError} argument-invalid
 */
export function configSource(call, config) {
  const where = `${call}.config`;
  if (typeof config === "string") return absolute(where, config, document.baseURI);
  return copied(where, config);
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
