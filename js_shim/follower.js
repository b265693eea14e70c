/**
 * A follower's side of being served: it hears of a ready writer, shows it that it lives (by a Web Lock), and gets a
 * channel of its own, one for each writer: a former writer that wakes up does not hear what is meant for the next.
 */

import { broadcastPort } from "./broadcast-port.js";
import { EdgeError } from "./errors.js";
import { createRpc } from "./rpc.js";

/** @import { OpenChannel } from "./broadcast-port.js" */
/** @import { Beat, Visit, Welcome } from "./writer-protocol.js" */
/** @import { Way } from "./relay.js" */
/** @import { Rpc } from "./rpc.js" */

/**
 * @typedef {object} FollowerOptions
 * @property {string} id
 * @property {string} page
 * @property {Pick<LockManager, "request">} locks
 * @property {OpenChannel} openChannel
 * @property {(visit: Omit<Visit, "kind" | "version">) => void} sayHello
 * @property {(way: Way | undefined) => void} onWay   The way to a writer, or that it has ended.
 * @property {(welcome: Welcome) => void} onWelcome   Before `onWay`.
 * @property {(name: string, body: any) => void} onNotice
 */

/** @typedef {{writer: string, term: number, channel: string, rpc: Rpc, isWelcome: boolean}} Connection */

/**
 * The lock that a client holds while it can be reached.
 * @param {string} client
 */
export const lockOf = (client) => `edge-client:${client}`;

/** @param {FollowerOptions} options */
export function createFollower({ id, page, locks, openChannel, ...options }) {
  /** @type {Connection | undefined} */
  let connection;
  let connections = 0;
  let release = () => {};
  /** @type {Promise<void> | undefined} */
  let present;

  /** Hold the lock until this follower leaves. */
  function appear() {
    const aborting = new AbortController();
    const { signal } = aborting;
    release = () => aborting.abort();
    return new Promise((resolve) => {
      const hold = () => {
        resolve(undefined);
        return new Promise((gone) => (release = () => gone(undefined)));
      };
      locks.request(lockOf(id), { signal }, hold).catch(() => {});
    });
  }

  /** @param {Beat} beat */
  function connect({ writer, term }) {
    const channel = `${lockOf(id)}:${++connections}`;
    const rpc = createRpc(broadcastPort(openChannel(channel)), {
      onNotice: (name, body) => {
        if (name === "welcome") welcomed(own, body);
        else options.onNotice(name, body);
      },
    });
    /** @type {Connection} */
    const own = { writer, term, channel, rpc, isWelcome: false };
    return own;
  }

  /**
   * @param {Connection} own
   * @param {Welcome} welcome
   */
  function welcomed(own, welcome) {
    if (own.isWelcome) return;
    own.isWelcome = true;
    options.onWelcome(welcome);
    options.onWay({
      call: (method, params) => own.rpc.call(method, params),
      cancel: (callId) => own.rpc.notify("cancel", { callId }),
    });
  }

  function disconnect() {
    if (!connection) return;
    const former = connection;
    connection = undefined;
    // First: what its end rejects is to be asked again.
    if (former.isWelcome) options.onWay(undefined);
    former.rpc.close(
      new EdgeError("runtime-stopped", "the writer: expected to be there, got its end."),
    );
  }

  return {
    /**
     * The writer lives: connect to it once it is ready; say hello on each beat until it answers.
     * @param {Beat} beat
     */
    async hear(beat) {
      const { writer, term } = beat;
      if (connection && (connection.writer !== writer || connection.term !== term)) disconnect();
      if (beat.state !== "ready" || connection?.isWelcome) return;
      const here = (present ??= appear());
      connection ??= connect(beat);
      const { channel } = connection;
      await here;
      // It may have left, or heard of another writer meanwhile.
      if (present === here && connection?.channel === channel && !connection.isWelcome)
        options.sayHello({ client: id, page, channel, writer, term });
    },

    /** @param {string} writer  Whose term is over. */
    lose(writer) {
      if (connection?.writer === writer) disconnect();
    },

    /** Be served no more. */
    leave() {
      disconnect();
      release();
      present = undefined;
    },
  };
}
