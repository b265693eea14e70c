/**
 * One tab among those of its origin: the writer, or a follower of it. Its page's requests go through one relay either
 * way; what changes is where that leads.
 */

import { EdgeError, toPlainError } from "./errors.js";
import { createFollower } from "./follower.js";
import { otherVersion } from "./handshake.js";
import { LIMITS } from "./limits.js";
import { createLonelyOffice } from "./lonely-office.js";
import { PROTOCOL_VERSION } from "./protocol.js";
import { createRestarts } from "./restarts.js";
import { realTimers } from "./timers.js";
import { createOffice } from "./writer-office.js";

/** @import { OfficeLimits } from "./limits.js" */
/** @import { BootReport, PlainError, Role, RuntimeOptions, RunWord, StatusBody } from "./protocol.js" */
/** @import { Welcome } from "./writer-protocol.js" */
/** @import { Among } from "./reception.js" */
/** @import { Relay, Way } from "./relay.js" */
/** @import { Booted, Duties, Term } from "./term.js" */
/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} TabOptions
 * @property {string} id                   Of this worker.
 * @property {Among | undefined} among     None where the browser has no locks or no channels.
 * @property {RuntimeOptions} options
 * @property {Relay} relay
 * @property {(duties: Duties) => Term} openTerm
 * @property {(name: string, body: any) => void} notify  Tell the page.
 * @property {Readonly<OfficeLimits>} limits
 * @property {Timers} [timers]
 */

/** @typedef {ReturnType<typeof createTab>} Tab */

/** @param {TabOptions} tab */
export function createTab({ id, among, options, relay, openTerm, notify, limits, ...rest }) {
  const { timers = realTimers } = rest;
  const { page } = options;
  const startedMs = timers.nowMs();
  const sinceStartMs = () => options.loadingMs + timers.nowMs() - startedMs;
  const resignations = createRestarts(LIMITS);
  const status = (/** @type {StatusBody} */ body) => notify("status", body);
  let isIn = false;
  let isReady = false;
  /** @type {Role} */
  let role = "follower";
  let boot = reported({ mode: "forwarding", stepsMs: {} }, options.loadingMs);
  /** @type {Term | undefined} From this tab's election to its end as the writer. */
  let term;
  /** @type {Promise<unknown>} The former terms' ends: only then may the next runtime open the store. */
  let settled = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  let retiring;
  let isServed = false;

  const office = among
    ? createOffice(
        { ...among, id, version: PROTOCOL_VERSION, limits, timers },
        {
          onElected,
          onDeposed,
          onBeat: (beat) => isIn && follower?.hear(beat),
          onBye(writer, error) {
            follower?.lose(writer);
            if (error) tellOfDelay(error);
          },
          onHello: (visit) => term?.receive(visit),
          onNewer: (version) => fail(otherVersion(version)),
        },
      )
    : createLonelyOffice({ onElected, onDeposed });
  const follower =
    among &&
    createFollower({ ...among, id, page, sayHello: office.sayHello, onWay, onWelcome, onNotice });

  /** @param {Way | undefined} way */
  function onWay(way) {
    isServed = way !== undefined;
    relay.connect(way);
  }

  /** @param {string} name @param {any} body */
  function onNotice(name, body) {
    if (name === "overruled") relay.yieldPause();
    notify(name, body);
  }

  /** @param {Welcome} welcome */
  function onWelcome({ problems, config }) {
    if (!isReady) {
      boot = reported({ mode: "forwarding", stepsMs: {} }, sinceStartMs());
      become("follower", problems);
    }
    if (JSON.stringify(config) === JSON.stringify(options.config)) return;
    const message =
      "config: expected the same in every tab, got another one in the tab that runs Python, which counts.";
    notify("log", { level: "warning", message });
  }

  async function onElected() {
    if (!isIn) return;
    follower?.leave();
    const electedMs = timers.nowMs();
    const onRun = (/** @type {RunWord} */ run) => notify("run", run);
    const own = openTerm({ onStep, onSuperseded: () => term === own && resign(), onRun });
    const seat = own.desk.seat(page, onNotice);
    term = own;
    try {
      await settled;
      const booted = await own.boot();
      if (term === own) serve(seat, booted, isReady ? timers.nowMs() - electedMs : sinceStartMs());
    } catch (error) {
      if (term === own) bootFailed(error);
    }
  }

  /** @param {unknown} error */
  function bootFailed(error) {
    const plain = toPlainError(error, "boot-failed");
    if (plain.code === "writer-superseded") return resign();
    if (plain.code !== "boot-timeout" || plain.details.step !== "core") return fail(error);
    // Whoever was frozen in the middle of a write holds the store until it wakes or ends: the next in line tries.
    office.resign(plain);
    tellOfDelay(plain);
  }

  /** @param {PlainError} error */
  function tellOfDelay(error) {
    status({ state: isReady ? "role" : "booting", step: "core", ...(isReady && { role }), error });
  }

  /** @param {string} step  Told where the page waits for it; one that is served again soon only hears of the end. */
  function onStep(step) {
    if (!isReady) status({ state: "booting", step });
  }

  /**
   * @param {Way} seat
   * @param {Booted} booted
   * @param {number} totalMs
   */
  function serve(seat, { problems, ...booted }, totalMs) {
    boot = reported(booted, totalMs);
    if (!isReady) boot.stepsMs.loading = Math.round(options.loadingMs);
    // Before the page hears of it, which may ask at once.
    relay.connect(seat);
    office.announceReady();
    become("writer", problems);
    if (!options.isErasing) term?.takeUp();
  }

  /**
   * @param {Role} next
   * @param {PlainError[]} [problems]
   */
  function become(next, problems) {
    role = next;
    const state = isReady ? "role" : "ready";
    isReady = true;
    status({ state, role, boot, ...(problems && { problems }) });
  }

  function onDeposed() {
    if (!isIn) return;
    const former = end({ isDeposed: true });
    boot = reported({ mode: "forwarding", stepsMs: {} }, 0);
    settled = Promise.allSettled([settled, former]);
    if (role === "writer") become("follower");
  }

  /** Another runtime has fenced this tab's out, in the store itself; again and again it would do nobody good. */
  function resign() {
    if (!among || resignations.nextDelayMs(timers.nowMs()) === undefined) fail(superseded());
    else office.resign();
  }

  /**
   * Stop the runtime; requests wait for the next writer.
   * @param {{isDeposed?: boolean}} [how]
   */
  function end(how) {
    const former = term;
    term = undefined;
    relay.connect(undefined);
    return former?.end(how);
  }

  async function retired() {
    isIn = false;
    follower?.leave();
    try {
      await end();
    } finally {
      office.leave();
    }
  }

  const retire = () => (retiring ??= retired());

  /** @param {unknown} error */
  function fail(error) {
    status({ state: "failed", error: toPlainError(error, "boot-failed") });
    retire().catch(() => {});
  }

  return {
    /** Take part, as the writer or as a follower. */
    join() {
      isIn = true;
      office.join();
    },

    /** Make durable what this tab has, if there is a way, and take no part any more. */
    async stop() {
      if (isServed) await relay.call("flush", {}).catch(() => {});
      await retire();
      return {};
    },

    statistics: async () => ({ ...(await relay.call("statistics", {})), role, boot }),
  };
}

/**
 * @param {Omit<BootReport, "crossOriginIsolated" | "totalMs">} booted
 * @param {number} totalMs
 * @returns {BootReport}
 */
function reported(booted, totalMs) {
  const crossOriginIsolated = Boolean(globalThis.crossOriginIsolated);
  return { ...booted, crossOriginIsolated, totalMs: Math.round(totalMs) };
}

function superseded() {
  const text =
    "store: expected this tab to write, got another one that opened it since. Close the other tabs and reload this one.";
  return new EdgeError("writer-superseded", text);
}
