/** Where the writer receives followers: a channel and a seat at the desk for each, until it is gone. */

import { broadcastPort } from "./broadcast-port.js";
import { EdgeError } from "./errors.js";
import { lockOf } from "./follower.js";
import { createRpc } from "./rpc.js";
import { serving } from "./rpc-serving.js";
import { realTimers } from "./timers.js";

/** @import { OpenChannel } from "./broadcast-port.js" */
/** @import { Reconfigured } from "./protocol.js" */
/** @import { Visit, Welcome } from "./writer-protocol.js" */
/** @import { Rpc } from "./rpc.js" */
/** @import { Timers } from "./timers.js" */
/** @import { Desk, Seat } from "./writer-desk.js" */

/**
 * @typedef {object} Among  The way to other tabs.
 * @property {Pick<LockManager, "request">} locks
 * @property {OpenChannel} openChannel
 */

/**
 * @typedef {object} ReceptionOptions
 * @property {Desk} desk
 * @property {Welcome} welcome
 * @property {() => Reconfigured["config"]} reconfigured  In force instead of the writer's first configuration.
 * @property {number} lingerMs
 * @property {Timers} [timers]
 */

/** @typedef {ReturnType<typeof createReception>} Reception */

/** What followers may ask: all but `stop`, which is each page's own. */
export const FORWARDED = [
  "infer",
  "track",
  "outbox",
  "flush",
  "statistics",
  "get",
  "put",
  "delete",
  "pause",
  "resume",
  "reconfigure",
  "reload",
  "trace",
  "erase",
];

/** @param {ReceptionOptions & Among} options */
export function createReception({
  desk,
  locks,
  openChannel,
  welcome,
  reconfigured,
  lingerMs,
  timers = realTimers,
}) {
  /** @type {Map<string, Rpc>} By channel. */
  const visitors = new Map();
  const closing = new AbortController();

  /** @param {Visit} visit */
  function admit({ client, page, channel }) {
    const port = broadcastPort(openChannel(channel));
    const seat = desk.seat(page, (name, body) => rpc.notify(name, body));
    const rpc = createRpc(port, {
      serve: serving(handlersOf(seat)),
      onNotice: (name, body) => name === "cancel" && seat.cancel(body.callId),
    });
    visitors.set(channel, rpc);
    const gone = () => {
      seat.leave();
      // Its last messages may still be on their way: a tab tracks a click and is left.
      timers.after(lingerMs, () => end(channel));
    };
    locks.request(lockOf(client), { signal: closing.signal }, gone).catch(() => {});
  }

  /** @param {string} channel */
  function end(channel) {
    visitors.get(channel)?.close(new EdgeError("runtime-stopped", "the writer ended."));
    visitors.delete(channel);
  }

  return {
    /** @param {Visit} visit */
    receive(visit) {
      if (closing.signal.aborted) return;
      if (!visitors.has(visit.channel)) admit(visit);
      const visitor = visitors.get(visit.channel);
      // First: once welcomed it may have to follow this writer in office.
      visitor?.notify("reconfigured", { config: reconfigured() });
      visitor?.notify("welcome", welcome);
    },

    /** Serve nobody any more. */
    close() {
      closing.abort();
      for (const channel of [...visitors.keys()]) end(channel);
    },
  };
}

/** @param {Seat} seat */
function handlersOf(seat) {
  return Object.fromEntries(
    FORWARDED.map((method) => [method, (/** @type {any} */ params) => seat.call(method, params)]),
  );
}
