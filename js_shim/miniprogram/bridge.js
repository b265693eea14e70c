/** Messages between a page in a `<web-view>` and its mini-program; on any other page it does nothing. */

import { realTimers } from "../timers.js";
import { watchCommands } from "./command-hash.js";
import { createCommands } from "./commands.js";
import { askHost, detectHost, hostOf } from "./detect.js";
import { driverOf } from "./drivers.js";
import { isEnvelope } from "./envelope.js";
import { createSending } from "./sending.js";

/** @import { Timers } from "../timers.js" */
/** @import { Detection, WindowLike } from "./detect.js" */
/** @import { Envelope } from "./envelope.js" */
/** @import { Delivery, Host } from "./hosts.js" */

/**
 * @typedef {object} BridgeLimits
 * @property {number} messageBytes  Of one message; a longer one is refused.
 * @property {number} messages      That wait; above it the oldest give way.
 * @property {number} bytes         The same in bytes.
 * @property {number} waitMs        From a message to handing it over, for those of its key that follow.
 * @property {number} handedBytes   Handed over while the page is in use; the host keeps all of it. Above it only what waits
 *   when the page is left or hidden.
 * @property {number} commands      Kept until somebody listens.
 */

/** @type {Readonly<BridgeLimits>} */
export const BRIDGE_LIMITS = Object.freeze({
  messageBytes: 16_384,
  messages: 20,
  bytes: 65_536,
  waitMs: 500,
  handedBytes: 524_288,
  commands: 8,
});

/**
 * @typedef {object} Bridge
 * @property {Promise<Detection>} ready  The host's own answer, or what was found without it; after 300 ms at most.
 * @property {() => Detection} detection  As known now.
 * @property {(type: string, body?: unknown, options?: {key?: string, instead?: unknown}) => Delivery} send  Says what is
 *   true at this moment: `live`, the host has it; `on-exit`, it reaches the mini-program when the page is left or shared,
 *   unless newer ones push it out; `none`, nobody has promised anything. Of one key only the latest not yet handed over is
 *   sent. `instead`: a body for where no message holds the first. Never throws.
 * @property {(listener: (command: Envelope) => void) => () => void} onCommand  Until the returned function is called.
 * @property {() => void} flush  Hand over what waits, before the page itself calls `navigateBack`.
 * @property {() => void} stop   Hand over what waits; then leave no listener, timer or property behind.
 */

/**
 * @param {object} [options]
 * @param {WindowLike} [options.window]
 * @param {Timers} [options.timers]
 * @param {(message: string) => void} [options.warn]  Told of messages and commands that were dropped, and why.
 * @param {Partial<BridgeLimits>} [options.limits]
 * @returns {Bridge}
 */
export function createBridge({ window = globalThis, timers = realTimers, warn, limits } = {}) {
  const row = hostOf(window);
  if (!row) return noBridge(window);
  const all = { ...BRIDGE_LIMITS, ...limits };
  return new HostBridge(window, row, { timers, warn: warn ?? (() => {}), limits: all }).face();
}

/** @param {WindowLike} window @returns {Bridge} */
function noBridge(window) {
  const found = detectHost(window);
  const nothing = () => {};
  return {
    ready: Promise.resolve(found),
    detection: () => found,
    send: () => "none",
    onCommand: () => nothing,
    flush: nothing,
    stop: nothing,
  };
}

class HostBridge {
  isStopped = false;
  /** Whether the app has said all it will; until then messages are kept for it. */
  isSettled = false;
  isAnswered = false;
  stopping = new AbortController();
  /** @type {(() => void) | undefined} */
  stopListening;
  /** @type {(() => void)[]} */
  undo = [];

  /**
   * @param {WindowLike} window
   * @param {Host} row
   * @param {{timers: Timers, warn: (message: string) => void, limits: BridgeLimits}} port
   */
  constructor(window, row, port) {
    this.window = window;
    this.row = row;
    this.timers = port.timers;
    this.detection = detectHost(window);
    this.commands = createCommands(port.warn, port.limits.commands);
    this.sending = createSending({ ...port, driver: () => this.driver() });
    this.hash = watchCommands(window, {
      isOpen: () => this.detection.isMiniProgram,
      take: this.commands.take,
      warn: port.warn,
    });
    this.hash.check();
    this.watch();
    this.ready = this.settle();
  }

  /** What may come late or never: the app's bridge, and the vendor's script. */
  watch() {
    const { window, row } = this;
    const settle = () => void this.settle();
    const hidden = () => this.isHidden() && this.sending.flush();
    if (row.ready) this.hear(window.document, row.ready, settle);
    this.hear(window, "load", settle);
    this.hear(window, "pagehide", this.sending.flush);
    this.hear(window.document, "visibilitychange", hidden);
  }

  isHidden() {
    return this.window.document.visibilityState === "hidden";
  }

  /**
   * @param {any} target
   * @param {string} name
   * @param {() => void} action
   */
  hear(target, name, action) {
    target.addEventListener(name, action);
    this.undo.push(() => target.removeEventListener(name, action));
  }

  async settle() {
    const { window, timers } = this;
    const { found, isAnswered } = await askHost(window, { timers, signal: this.stopping.signal });
    if (this.isStopped) return found;
    this.row = hostOf(window) ?? this.row;
    // What the host has said once, a later silence does not take back.
    if (isAnswered || !this.isAnswered) this.detection = found;
    this.isAnswered ||= isAnswered;
    this.isSettled = !this.row.bridge || Boolean(window[this.row.bridge]);
    this.hash.check();
    this.sending.flush();
    this.listen();
    return this.detection;
  }

  driver() {
    const isOpen = this.detection.isMiniProgram && !this.isStopped;
    return isOpen ? driverOf(this.window, this.row) : undefined;
  }

  /** A mini-program of Alipay's can speak only to a page that has spoken first. */
  listen() {
    const driver = this.driver();
    if (!driver?.listen || this.stopListening || !this.commands.hasListeners()) return;
    this.stopListening = driver.listen(
      (message) => isEnvelope(message) && this.commands.take(message),
    );
    this.send("hello");
  }

  /** @type {Bridge["send"]} */
  send(type, body, { key, instead } = {}) {
    if (this.isStopped) return "none";
    const made = this.sending.envelope(type, body);
    const envelope = made ?? (instead === undefined ? made : this.sending.envelope(type, instead));
    if (!envelope) return "none";
    const { row, sending } = this;
    const isThere = this.driver() !== undefined;
    if (isThere && row.delivery === "live") return sending.now(envelope) ? "live" : "none";
    // For a driver that comes late it is kept, and not promised.
    const isKept =
      (isThere || this.detection.isMiniProgram || !this.isSettled) && sending.keep(envelope, key);
    if (!isThere || !isKept) return "none";
    sending.flushSoon(this.isHidden());
    return "on-exit";
  }

  stop() {
    this.sending.flush();
    this.isStopped = true;
    this.stopping.abort();
    this.sending.clear();
    this.stopListening?.();
    this.hash.stop();
    this.commands.clear();
    this.undo.splice(0).forEach((action) => action());
  }

  /** @returns {Bridge} */
  face() {
    return {
      ready: this.ready,
      detection: () => this.detection,
      send: (type, body, options) => this.send(type, body, options),
      onCommand: (listener) => {
        const off = this.commands.on(listener);
        this.listen();
        return off;
      },
      flush: this.sending.flush,
      stop: () => this.stop(),
    };
  }
}
