/** A Python that only knows values and events, over a store that several of them fight for as over a real one. */

import { EdgeError } from "../../js_shim/errors.js";

/** @typedef {ReturnType<typeof createStore>} FakeStore */
/** @typedef {ReturnType<typeof createPython>} FakePython */

/** What is durable, and the generation of who may write. */
export function createStore() {
  return {
    generation: 0,
    /** @type {Map<string, unknown>} */
    values: new Map(),
    /** @type {Map<string, string>} Page's id of each event, with the client it came from. */
    events: new Map(),
    /** @type {string[]} Boots and stops, in order. */
    log: [],
  };
}

/**
 * An interpreter; each `boot` makes a runtime that owns the store until the next one boots.
 * @param {FakeStore} store
 * @param {string} name  In the store's log.
 * @param {{boot?: () => Promise<unknown>, commit?: () => Promise<unknown>, problems?: unknown[]}} [play]
 *   `commit`: what a write waits for.
 */
export function createPython(store, name, { boot, commit, problems = [] } = {}) {
  /** @type {any[]} Hosts of its runtimes. */
  const hosts = [];
  /** @type {any[]} Every request that reached a runtime. */
  const asked = [];
  /** @type {any[]} The options of its runtimes. */
  const booted = [];
  /** @type {number[]} How many requests there had been when a runtime went on with what was left. */
  const takenUp = [];

  /** @param {any} host */
  function runtime(host) {
    const generation = ++store.generation;
    let isStopped = false;
    store.log.push(`${name} boots`);

    /** @param {() => unknown} change */
    async function write(change) {
      await commit?.();
      if (store.generation === generation) return change();
      host.page.superseded();
      throw new EdgeError("writer-superseded", "fenced out");
    }

    /** @type {Record<string, (params: any) => unknown>} */
    const methods = {
      put: ({ key, value }) => write(() => void store.values.set(key, value)),
      get: ({ key }) => store.values.get(key) ?? null,
      flush: () => write(() => {}),
      statistics: () => ({ uptimeMs: 1 }),
      reconfigure({ config }) {
        if (!config.triggers) throw new EdgeError("config-invalid", "no triggers");
        return { problems: [{ code: "a problem" }], config: { read: config } };
      },
      reload: () => ({ changed: [{ taskName: "Rank", from: "1", to: "2" }], problems: [] }),
      infer: ({ callId }) =>
        new Promise((resolve, reject) => {
          cancels.set(callId, () => reject(new EdgeError("run-cancelled", "cancelled")));
          runs.set(callId, resolve);
        }),
      stop() {
        isStopped = true;
        store.log.push(`${name} stops`);
      },
    };
    /** @type {Map<number, () => void>} */
    const cancels = new Map();
    /** @type {Map<number, (value: unknown) => void>} */
    const runs = new Map();

    /** @param {number} id @param {() => unknown} action */
    async function answer(id, action) {
      try {
        if (isStopped) throw new EdgeError("runtime-stopped", "stopped");
        const value = await action();
        host.reply(id, JSON.stringify({ value: value === undefined ? {} : value }), []);
      } catch (error) {
        host.reply(id, JSON.stringify({ error: /** @type {EdgeError} */ (error).toPlain() }), []);
      }
    }

    return {
      runs,
      dispatch(/** @type {number} */ id, /** @type {string} */ method, /** @type {string} */ json) {
        const params = JSON.parse(json);
        asked.push([method, params]);
        answer(id, () => methods[method]?.(params));
      },
      /** @param {number} id @param {string} batch @param {string} client @param {boolean} isAgain */
      track(id, batch, client, isAgain) {
        const rows = JSON.parse(batch);
        asked.push(["track", rows, client, ...(isAgain ? ["again"] : [])]);
        answer(id, () =>
          write(() => rows.forEach((/** @type {any} */ [row]) => store.events.set(row, client))),
        );
      },
      cancel(/** @type {number} */ callId) {
        asked.push(["cancel", callId]);
        cancels.get(callId)?.();
      },
      take_up() {
        takenUp.push(asked.length);
      },
    };
  }

  return {
    hosts,
    asked,
    booted,
    takenUp,
    /** @type {ReturnType<typeof runtime>[]} */
    cores: [],
    _module: { HEAPU8: new Uint8Array(8) },
    pyimport() {
      return {
        boot: (/** @type {any} */ host, /** @type {string} */ options) =>
          createTask(async (signal) => {
            hosts.push(host);
            booted.push(JSON.parse(options));
            const error = await boot?.();
            if (signal.aborted) return undefined;
            if (error) return { error_json: JSON.stringify(error) };
            const core = runtime(host);
            this.cores.push(core);
            return { core, problems_json: JSON.stringify(problems), error_json: "" };
          }),
      };
    },
  };
}

/**
 * A task of asyncio: begun, and ended by `cancel` at its next step. As a proxy it is gone once it was awaited.
 * @param {(signal: AbortSignal) => Promise<unknown>} run
 */
function createTask(run) {
  const cancelling = new AbortController();
  const { signal } = cancelling;
  const cancelled = new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("CancelledError"))),
  );
  const ended = Promise.race([run(signal), cancelled]);
  return { copy: () => ended, cancel: () => cancelling.abort() };
}

/** A host of so little. @param {any} _python @param {any} page @param {any} reply */
export const fakeHost = (_python, page, reply) => ({
  page,
  reply,
  statistics: async () => ({}),
  end() {},
});
