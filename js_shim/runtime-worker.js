/**
 * The runtime worker: passes the page's messages to where Python runs, in this worker or in another tab's, and hands
 * Python the browser.
 */

import { startPython } from "./boot.js";
import { greet } from "./handshake.js";
import { createJsHost } from "./host/index.js";
import { randomHex } from "./identifiers.js";
import { OFFICE_LIMITS } from "./limits.js";
import { FORWARDED } from "./reception.js";
import { createRelay } from "./relay.js";
import { createRpc } from "./rpc.js";
import { serving } from "./rpc-serving.js";
import { createTab } from "./tab.js";
import { openTerm } from "./term.js";

/** @import { OnLine, Started, Step } from "./boot.js" */
/** @import { Reconfigured, RuntimeOptions } from "./protocol.js" */
/** @import { Among } from "./reception.js" */
/** @import { Relay } from "./relay.js" */
/** @import { Rpc } from "./rpc.js" */
/** @import { Tab, TabOptions } from "./tab.js" */

// Of this file: where it is imported from another origin, the worker's own address is a blob's.
const ROOT = new URL("./", import.meta.url).href;

/**
 * @param {MessagePort} port
 * @param {RuntimeOptions} options
 */
function start(port, { isPaused, reconfigured, ...options }) {
  /** @type {Record<string, (params: any) => unknown>} */
  const handlers = {};
  /** @type {Record<string, (body: any) => void>} */
  const notices = { ping: () => rpc.notify("pong", {}) };
  const rpc = createRpc(port, {
    serve: serving(handlers),
    onNotice: (name, body) => guarded(rpc, name, () => notices[name]?.(body)),
  });
  // Shows the page at once that messages get through both ways; a boot may be silent for long.
  rpc.notify("pong", {});
  const relay = createRelay({ isPaused });
  const among = otherTabs();
  const tab = createTab({
    id: randomHex(),
    among,
    options,
    relay,
    limits: OFFICE_LIMITS,
    notify(name, body) {
      if (name === "reconfigured") reconfigured = body.config;
      rpc.notify(name, body);
    },
    openTerm: termsOf(rpc, options, among, () => reconfigured),
  });
  Object.assign(handlers, handlersOf(relay, tab));
  Object.assign(notices, {
    cancel: (/** @type {any} */ { callId }) => relay.cancel(callId),
  });
  tab.join();
}

/** The other tabs' workers, where the browser lets us meet them: it has no locks on pages served without TLS. */
function otherTabs() {
  const { locks } = navigator;
  if (!locks || typeof BroadcastChannel !== "function") return undefined;
  return { locks, openChannel: (/** @type {string} */ name) => new BroadcastChannel(name) };
}

/**
 * Terms of office over one interpreter, which starts with the first.
 * @param {Rpc} rpc
 * @param {RuntimeOptions} options
 * @param {Among | undefined} among
 * @param {() => Reconfigured["config"]} reconfigured
 * @returns {TabOptions["openTerm"]}
 */
function termsOf(rpc, options, among, reconfigured) {
  /** @type {OnLine} */
  const onLine = (level, message) => rpc.notify("log", { level, message });
  /** @type {Promise<Started> | undefined} */
  let interpreter;
  /** @param {Step} step */
  const startInterpreter = (step) =>
    (interpreter ??= startPython(step, ROOT, onLine).catch((error) => {
      interpreter = undefined;
      throw error;
    }));
  return (duties) =>
    openTerm({
      ...duties,
      options,
      reconfigured,
      among,
      limits: OFFICE_LIMITS,
      startInterpreter,
      createHost: (python, page, reply) => createJsHost(python, ROOT, page, reply),
    });
}

/**
 * @param {Relay} relay
 * @param {Tab} tab
 * @returns {Record<string, (params: any) => unknown>}
 */
function handlersOf(relay, tab) {
  const forwarded = FORWARDED.map((method) => [
    method,
    (/** @type {any} */ params) => relay.call(method, params),
  ]);
  return { ...Object.fromEntries(forwarded), statistics: tab.statistics, stop: tab.stop };
}

/**
 * Tell the page of a defect: uncaught it would count as a crash of the worker, and nobody waits for an answer.
 * @param {Rpc} rpc
 * @param {string} name
 * @param {() => void} action
 */
function guarded(rpc, name, action) {
  try {
    action();
  } catch (error) {
    rpc.notify("log", { level: "error", message: `${name}: ${error}` });
  }
}

greet(start);
