/** A supervisor over fake workers, with timers moved by hand and everything it says kept. */

import { serving } from "../../js_shim/rpc-serving.js";
import { Supervisor } from "../../js_shim/supervisor.js";
import { FakeWorker, speaking } from "./fake-worker.js";
import { createHandTimers } from "./hand-timers.js";

/** @import { TestContext } from "node:test" */
/** @import { Handlers } from "../../js_shim/rpc-serving.js" */
/** @import { Rpc, RpcOptions } from "../../js_shim/rpc.js" */
/** @typedef {{worker: FakeWorker, rpc?: Rpc, options?: any}} Life */

export const LIMITS = {
  greetingMs: 100,
  bootMs: 1_000,
  pingMs: 2,
  silenceMs: 10,
  graceMs: 3,
  lookMs: 1,
  restarts: 2,
  restartWindowMs: 60_000,
  backoffMs: 50,
  strikes: 2,
};
export const BOOT = { mode: "snapshot", crossOriginIsolated: false, stepsMs: {}, totalMs: 1 };
export const URL_OF_SCRIPT = "https://shop.example/edge/runtime-worker.js";

/** @param {Rpc} rpc */
export const becomeReady = (rpc) =>
  rpc.notify("status", { state: "ready", boot: BOOT, problems: [] });

/**
 * @typedef {object} Play
 * @property {(rpc: Rpc) => void} [onStart]  Default: be ready at once.
 * @property {ConstructorParameters<typeof FakeWorker>[0]} [script]  Instead of a worker that greets.
 * @property {Handlers} [handlers]
 * @property {RpcOptions["onNotice"]} [onNotice]
 * @property {(name: string, body: any) => unknown} [onEmit]
 * @property {(struck: string[]) => unknown} [options]
 */

/**
 * @param {TestContext} t
 * @param {Play} [play]
 */
export function supervised(t, play = {}) {
  const { onStart = becomeReady, handlers = {}, onNotice, onEmit, options = () => ({}) } = play;
  const timers = createHandTimers();
  /** @type {Life[]} */
  const lives = [];
  /** @type {(Rpc | undefined)[]} */
  const connections = [];
  /** @type {{name: string, body: any}[]} */
  const said = [];
  /** @type {{is: (name: string, body: any) => boolean, resolve: (body: any) => void}[]} */
  let awaited = [];

  function createWorker() {
    /** @type {Life} */
    const life = {
      worker: new FakeWorker(
        play.script ?? speaking(t, start, { serve: serving(handlers), onNotice }),
      ),
    };
    /** @param {Rpc} rpc @param {any} received */
    function start(rpc, received) {
      Object.assign(life, { rpc, options: received });
      onStart(rpc);
    }
    lives.push(life);
    t.after(() => life.worker.terminate());
    return life.worker.asWorker;
  }

  /** @param {string} name @param {any} body */
  function emit(name, body) {
    said.push({ name, body });
    onEmit?.(name, body);
    for (const { resolve } of awaited.filter(({ is }) => is(name, body))) resolve(body);
    awaited = awaited.filter(({ is }) => !is(name, body));
  }

  const supervisor = new Supervisor(
    {
      scriptUrl: URL_OF_SCRIPT,
      createWorker,
      options,
      emit,
      onConnection: (rpc) => connections.push(rpc),
      timers,
    },
    LIMITS,
  );
  t.after(() => supervisor.stop());
  return {
    supervisor,
    timers,
    lives,
    connections,
    said,

    /** The states told so far, without the steps of a boot. */
    states: () =>
      said
        .filter(({ name }) => name === "status")
        .map(({ body }) => body.state)
        .filter((state, index, all) => state !== all[index - 1]),

    /**
     * The next thing said that `is` accepts.
     * @param {(name: string, body: any) => boolean} is
     * @returns {Promise<any>}
     */
    next: (is) => new Promise((resolve) => awaited.push({ is, resolve })),
  };
}

/** @param {string} state */
export const status = (state) => (/** @type {string} */ name, /** @type {any} */ body) =>
  name === "status" && body.state === state;

/**
 * Hold a call by its beginning: resolves once the worker has it, with a call that never ends.
 * @returns {{handlers: Record<string, () => unknown>, asked: Promise<void>}}
 */
export function hanging() {
  /** @type {() => void} */
  let heard = () => {};
  const asked = new Promise((resolve) => (heard = () => resolve(undefined)));
  return {
    asked: /** @type {Promise<void>} */ (asked),
    handlers: {
      hang() {
        heard();
        return new Promise(() => {});
      },
    },
  };
}
