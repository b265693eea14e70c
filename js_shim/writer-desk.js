/**
 * The writer's desk: takes what its own page and the followers ask to Python, and brings what Python says to whom it
 * is for.
 */

/** @import { CoreCalls } from "./core-calls.js" */
/** @import { Way } from "./relay.js" */
/** @import { Timers } from "./timers.js" */

/** @typedef {(name: string, body: unknown) => void} Notify */
/** @typedef {ReturnType<typeof createDesk>} Desk */
/** @typedef {Way & {leave: () => void}} Seat */

/**
 * @param {CoreCalls} calls
 * @param {() => Promise<unknown>} statistics
 * @param {{heldMs: number, timers: Timers}} patience  With clients that have had no seat yet.
 */
export function createDesk(calls, statistics, { heldMs, timers }) {
  /** @type {Map<string, Notify>} */
  const clients = new Map();
  /** @type {Set<string>} All that have ever had a seat. */
  const known = new Set();
  /** @type {Map<string, [name: string, body: unknown][]>} For clients that are not there, for a while. */
  const held = new Map();
  /** @type {Map<number, {client: string, callId: number}>} By Python's id of an unanswered call. */
  const askers = new Map();
  let lastCallId = 0;

  /** @param {string} latest  The client whose `pause` or `resume` counts from here on. */
  function overrule(latest) {
    for (const [client, notify] of clients) if (client !== latest) notify("overruled", {});
  }

  /** @param {any} params */
  async function reconfigure(params) {
    const { value } = await calls.call("reconfigure", params);
    // Each tab may be the next writer.
    tell("reconfigured", { config: value.config });
    return value.problems;
  }

  /**
   * @param {string} name
   * @param {unknown} body
   */
  function tell(name, body) {
    for (const notify of clients.values()) notify(name, body);
  }

  /**
   * Keep a notice for a client that may still come, as its worker is replaced. One that does not was reloaded or left:
   * nobody is told where it was here, and all are where only an earlier writer knew it.
   * @param {string} client
   * @param {string} name
   * @param {unknown} body
   */
  function hold(client, name, body) {
    const giveUp = () => release(client, known.has(client) ? () => {} : tell);
    if (!held.has(client)) timers.after(heldMs, giveUp);
    held.set(client, [...(held.get(client) ?? []), [name, body]]);
  }

  /**
   * @param {string} client
   * @param {Notify} notify
   */
  function release(client, notify) {
    const waiting = held.get(client) ?? [];
    held.delete(client);
    for (const [name, body] of waiting) notify(name, body);
  }

  return {
    /**
     * Serve a client: its way to Python, and the notices for it.
     * @param {string} client
     * @param {Notify} notify
     * @returns {Seat}
     */
    seat(client, notify) {
      /** @type {Map<number, number>} A page's call ids are its own: to Python each is another. */
      const callIds = new Map();
      clients.set(client, notify);
      known.add(client);
      // Who takes the seat is not ready to be told in this turn.
      queueMicrotask(() => release(client, notify));

      /** @param {any} params */
      async function infer(params) {
        const callId = ++lastCallId;
        callIds.set(params.callId, callId);
        askers.set(callId, { client, callId: params.callId });
        try {
          return await calls.call("infer", { ...params, callId });
        } finally {
          askers.delete(callId);
          if (callIds.get(params.callId) === callId) callIds.delete(params.callId);
        }
      }

      return {
        call(method, params) {
          if (method === "pause" || method === "resume") overrule(client);
          if (method === "track") return calls.track(params.batch, client, params.isAgain);
          if (method === "outbox") return calls.call(method, { ...params, client });
          if (method === "infer") return infer(params);
          if (method === "statistics") return statistics();
          if (method === "reconfigure") return reconfigure(params);
          return calls.call(method, params);
        },

        cancel(callId) {
          const known = callIds.get(callId);
          if (known !== undefined) calls.cancel(known);
        },

        /** The client is gone: nobody waits for its runs, nobody reads its notices. */
        leave() {
          for (const callId of callIds.values()) calls.cancel(callId);
          if (clients.get(client) === notify) clients.delete(client);
        },
      };
    },

    /**
     * Whose run it is, and the id that the page gave its call.
     * @param {number | string | undefined} asker  Python's id of the call, or the client whose event asked for it.
     * @returns {{client?: string, callId?: number}}
     */
    whose: (asker) => (typeof asker === "number" ? (askers.get(asker) ?? {}) : { client: asker }),

    /**
     * Bring a notice to a client, or to all; one that is not there may still come.
     * @param {string} name
     * @param {unknown} body
     * @param {string | null} [client]  None: all.
     */
    notify(name, body, client = null) {
      const seat = clients.get(client ?? "");
      if (client === null) tell(name, body);
      else if (seat) seat(name, body);
      else hold(client, name, body);
    },
  };
}
