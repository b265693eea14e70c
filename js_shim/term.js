/**
 * One term of office: a runtime in the worker's interpreter, from its boot to its stop, and all it serves.
 *
 * The interpreter starts once and stays; every term makes a new runtime in it, with a host of its own.
 */

import { createSteps } from "./boot.js";
import { createCoreCalls, detached } from "./core-calls.js";
import { EdgeError, errorFromPlain } from "./errors.js";
import { createReception } from "./reception.js";
import { realTimers, within } from "./timers.js";
import { createDesk } from "./writer-desk.js";

/** @import { Started, Step } from "./boot.js" */
/** @import { OfficeLimits } from "./limits.js" */
/** @import { PlainError, Reconfigured, RunWord, RuntimeOptions } from "./protocol.js" */
/** @import { Visit } from "./writer-protocol.js" */
/** @import { Among, Reception } from "./reception.js" */
/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} HostPage  What Python says to pages.
 * @property {(name: string, body: unknown, client?: string | null) => void} notify
 * @property {() => void} superseded
 * @property {(reason: string) => void} replaceWorker  Something in the interpreter cannot be stopped.
 * @property {(runId: string, taskName: string, asker?: number | string, leftMs?: number) => void} watchRun
 *   A run's code takes the interpreter; without `leftMs`: it has ended.
 */

/** @typedef {(id: number, json: string, buffers: Uint8Array[]) => void} Reply */

/**
 * @typedef {object} Duties
 * @property {(step: string) => void} onStep
 * @property {() => void} onSuperseded  Another writer has fenced this runtime out.
 * @property {(run: RunWord) => void} onRun
 */

/**
 * @typedef {object} TermOptions
 * @property {(step: Step) => Promise<Started>} startInterpreter  Starts it, or gives the one that runs.
 * @property {(python: any, page: HostPage, reply: Reply) => any} createHost
 * @property {RuntimeOptions} options
 * @property {() => Reconfigured["config"]} reconfigured  What a `reconfigure` has put in force since.
 * @property {Among | undefined} among
 * @property {Readonly<OfficeLimits>} limits
 * @property {Timers} [timers]
 */

/**
 * @typedef {object} Booted
 * @property {"snapshot" | "cold"} mode
 * @property {string} [coldReason]
 * @property {Record<string, number>} stepsMs
 * @property {PlainError[]} problems
 */

/** @typedef {ReturnType<typeof openTerm>} Term */

const MODULE = "edge_runtime.host.browser";

/**
 * @param {TermOptions & Duties} term
 */
export function openTerm({ startInterpreter, createHost, options, among, limits, ...term }) {
  const { timers = realTimers, onStep, onSuperseded, onRun, reconfigured } = term;
  const calls = createCoreCalls();
  const desk = createDesk(calls, statistics, { heldMs: limits.heldMs, timers });
  let isOver = false;
  /** @type {any} */
  let python;
  /** @type {any} */
  let host;
  /** @type {any[]} Proxies of Python objects; each keeps the runtime in memory. */
  const proxies = [];
  /** @type {any} The task in Python that opens the store. */
  let task;
  /** @type {Promise<string> | undefined} Its end, which may come when its time is over. */
  let opening;
  /** @type {Promise<string> | undefined} The part that may take the store; before it there is nothing to stop. */
  let coreBoot;
  /** @type {Reception | undefined} */
  let reception;
  /** @type {Promise<void> | undefined} */
  let ending;

  const page = {
    notify: desk.notify,
    superseded: () => isOver || onSuperseded(),
    replaceWorker: crash,
    watchRun,
  };

  /** @type {HostPage["watchRun"]} */
  function watchRun(runId, taskName, asker, leftMs) {
    if (leftMs === undefined) return onRun({ runId });
    const { client, callId } = desk.whose(asker);
    onRun({ runId, taskName, leftMs, callId, isOwn: client === options.page });
  }

  async function statistics() {
    const { value } = await calls.call("statistics", {});
    return {
      ...value,
      ...(await host.statistics()),
      memory: { pythonHeapBytes: python._module.HEAPU8.byteLength },
    };
  }

  /**
   * Start the interpreter if need be, and a runtime in it.
   * @returns {Promise<Booted>}
   * @throws {EdgeError} boot-… | feature-missing | config-invalid … | writer-superseded: the term ended before.
   */
  async function boot() {
    if (isOver) throw superseded();
    const { step, stepsMs } = createSteps(onStep, timers);
    const { json } = detached("start", { ...options, reconfigured: reconfigured() ?? null });
    const { mode, coldReason, ...started } = await startInterpreter(step);
    // From here on the store takes this runtime for its writer: not for one that is deposed already.
    if (isOver) throw superseded();
    python = started.python;
    host = createHost(python, page, calls.reply);
    coreBoot = step("core", limits.coreMs, () => (opening = bootCore(json)));
    const problems = JSON.parse(await coreBoot);
    openReception(problems);
    return { mode, ...(coldReason && { coldReason }), stepsMs, problems };
  }

  /**
   * @param {string} optionsJson
   * @returns {Promise<string>} What is missing although the rest works, as JSON.
   */
  async function bootCore(optionsJson) {
    task = python.pyimport(MODULE).boot(host, optionsJson);
    proxies.push(task);
    // Awaiting a proxy destroys it.
    const booted = await task.copy();
    if (booted.error_json) throw errorFromPlain(JSON.parse(booted.error_json));
    const { core, problems_json } = booted;
    const methods = methodsOf(core);
    proxies.push(booted, core, ...Object.values(methods));
    calls.open(methods);
    return problems_json;
  }

  /** @param {PlainError[]} problems */
  function openReception(problems) {
    if (!among || isOver) return;
    const { lingerMs } = limits;
    const welcome = { problems, config: options.config };
    reception = createReception({ ...among, desk, welcome, reconfigured, lingerMs, timers });
  }

  async function stop() {
    // Its time is over: it must not take the store from whoever comes next.
    await coreBoot?.catch(() => task?.cancel());
    const opened = Promise.resolve(opening).catch(() => {});
    const stopped = opened.then(() => calls.call("stop", {}));
    await within(stopped, limits.stopMs, superseded, timers).catch(() => {});
    calls.close();
    host?.end();
    for (const proxy of proxies) proxy.destroy?.();
    // The answers that the stop brought leave first.
    await new Promise((resolve) => timers.after(0, () => resolve(undefined)));
    reception?.close();
  }

  return {
    desk,
    boot,
    /** Go on with what an earlier runtime left. To be called when the page is served: it may end this worker, too. */
    takeUp: calls.takeUp,

    /** @param {Visit} visit  A follower asks to be served. */
    receive: (visit) => reception?.receive(visit),

    /**
     * Make everything durable if this is still the writer, and let go of the runtime. It may be booting.
     * @param {{isDeposed?: boolean}} [how]  Deposed, it has no answers that count.
     */
    end({ isDeposed = false } = {}) {
      isOver = true;
      if (isDeposed) reception?.close();
      return (ending ??= stop());
    },
  };
}

/**
 * Look each method up once: every look-up of a Python object's attribute makes a new proxy.
 * @param {any} core
 */
function methodsOf({ dispatch, track, cancel, take_up }) {
  return { dispatch, track, cancel, take_up };
}

/**
 * The page sees to a worker that crashed: calls are answered, events sent again, another worker is started.
 * @param {string} reason
 */
function crash(reason) {
  setTimeout(() => {
    throw new Error(reason);
  });
}

function superseded() {
  const text =
    "the runtime: expected to write, got another tab that does. It goes on as a follower.";
  return new EdgeError("writer-superseded", text);
}
