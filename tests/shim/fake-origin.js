/**
 * The tabs of one origin, as far as their workers meet: Web Locks (exclusive ones) and BroadcastChannels, over timers
 * moved by hand. A tab can be frozen, thawed and closed at any moment.
 */

import { createHandTimers } from "./hand-timers.js";

/** @import { Channel } from "../../js_shim/broadcast-port.js" */
/** @import { Timers } from "../../js_shim/timers.js" */

/**
 * @typedef {object} LockRequest
 * @property {FakeTab} tab
 * @property {string} name
 * @property {(lock: {name: string}) => unknown} callback
 * @property {(value?: unknown) => void} resolve
 * @property {(error: unknown) => void} reject
 */

/** @typedef {ReturnType<typeof createFakeTab>} FakeTab */
/** @typedef {ReturnType<typeof createOrigin>} Origin */

const STEP_MS = 250;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

export function createOrigin() {
  const timers = createHandTimers();
  const locks = createLockManager();
  /** @type {Map<string, Set<{tab: FakeTab, channel: any}>>} */
  const air = new Map();
  const running = { events: 0 };

  async function settle() {
    for (let quiet = 0; quiet < 3; quiet = running.events ? 0 : quiet + 1) {
      await nextTurn();
      timers.pass(0);
    }
  }

  return {
    timers,
    locks,
    settle,

    tab: () => createFakeTab({ timers, locks, air, running }),

    /**
     * Let time pass, and everything happen that it brings.
     * @param {number} ms
     */
    async pass(ms) {
      await settle();
      for (let left = ms; left > 0; left -= STEP_MS) {
        timers.pass(Math.min(STEP_MS, left));
        await settle();
      }
    },
  };
}

/**
 * @param {{timers: Timers, locks: ReturnType<typeof createLockManager>, air: Map<string, Set<any>>, running: {events: number}}} origin
 */
function createFakeTab({ timers, locks, air, running }) {
  let isFrozen = false;
  let isClosed = false;
  /** @type {(() => void)[]} What happened to it while it was frozen. */
  let held = [];

  /** @param {() => void} action  In a later turn, as events are. */
  function happen(action) {
    running.events++;
    setImmediate(() => {
      running.events--;
      run(action);
    });
  }

  /** @param {() => void} action */
  function run(action) {
    if (isFrozen) held.push(action);
    else if (!isClosed) action();
  }

  const tab = {
    happen,

    locks: /** @type {Pick<LockManager, "request">} */ (
      /** @type {unknown} */ ({
        request: (/** @type {string} */ name, /** @type {any[]} */ ...rest) =>
          locks.request(tab, name, ...rest),
      })
    ),

    /** @type {Timers} */
    timers: {
      nowMs: timers.nowMs,
      after: (delayMs, action) => {
        let isForgotten = false;
        const forget = timers.after(delayMs, () => run(() => isForgotten || action()));
        return () => {
          isForgotten = true;
          forget();
        };
      },
    },

    /**
     * @param {string} name
     * @returns {Channel}
     */
    openChannel(name) {
      const listeners = air.get(name) ?? new Set();
      air.set(name, listeners);
      /** @type {Channel} */
      const channel = {
        onmessage: null,
        onmessageerror: null,
        postMessage(message) {
          if (isClosed) return;
          if (!listeners.has(own)) throw new DOMException("closed", "InvalidStateError");
          for (const other of listeners) if (other !== own) other.hear(structuredClone(message));
        },
        close: () => void listeners.delete(own),
      };
      const own = {
        /** @param {unknown} data */
        hear: (data) =>
          happen(() => {
            if (listeners.has(own)) channel.onmessage?.(/** @type {MessageEvent} */ ({ data }));
          }),
      };
      listeners.add(own);
      return channel;
    },

    /** Nothing runs in it any more; what happens to it waits. */
    freeze() {
      isFrozen = true;
    },

    thaw() {
      isFrozen = false;
      for (const action of held.splice(0)) happen(action);
    },

    /** It is gone: its locks are free, nothing of it runs. */
    close() {
      isClosed = true;
      held = [];
      locks.forget(tab);
    },
  };
  return tab;
}

function createLockManager() {
  /** @type {Map<string, LockRequest>} */
  const held = new Map();
  /** @type {LockRequest[]} */
  let queue = [];

  /** @param {string} name */
  function grantNext(name) {
    const next = held.has(name) ? undefined : queue.find((each) => each.name === name);
    if (!next) return;
    queue = queue.filter((each) => each !== next);
    grant(next);
  }

  /** @param {LockRequest} request */
  function grant(request) {
    const { tab, name, callback, resolve, reject } = request;
    held.set(name, request);
    tab.happen(async () => {
      try {
        resolve(await callback({ name }));
      } catch (error) {
        reject(error);
      }
      release(request);
    });
  }

  /** @param {LockRequest} request */
  function release(request) {
    if (held.get(request.name) !== request) return;
    held.delete(request.name);
    grantNext(request.name);
  }

  /** @param {LockRequest} request */
  function steal(request) {
    const robbed = held.get(request.name);
    robbed?.tab.happen(() => robbed.reject(new DOMException("stolen", "AbortError")));
    grant(request);
  }

  /**
   * @param {LockRequest} request
   * @param {AbortSignal} [signal]
   */
  function enqueue(request, signal) {
    queue.push(request);
    signal?.addEventListener("abort", () => {
      if (!queue.includes(request)) return;
      queue = queue.filter((each) => each !== request);
      request.reject(signal.reason);
    });
    grantNext(request.name);
  }

  return {
    /** Names of the locks that are held. */
    get held() {
      return [...held.keys()];
    },

    /**
     * @param {FakeTab} tab
     * @param {string} name
     * @param {any[]} rest
     */
    request(tab, name, ...rest) {
      const [options, callback] = rest.length > 1 ? rest : [{}, rest[0]];
      return new Promise((resolve, reject) => {
        const request = { tab, name, callback, resolve, reject };
        if (options.signal?.aborted) reject(options.signal.reason);
        else if (options.steal) steal(request);
        else enqueue(request, options.signal);
      });
    },

    /** @param {FakeTab} tab */
    forget(tab) {
      queue = queue.filter((each) => each.tab !== tab);
      for (const request of [...held.values()]) if (request.tab === tab) release(request);
    },
  };
}
