/**
 * The runtime as a script tag: sets `window.EdgeAI`, runs what was queued before, and starts by itself when
 * the tag has `data-config`. `data-capture` and `data-exposure` are `on` or `off`, `data-consent="required"` waits for
 * `consent(true)`, `data-vms` says how many workers run tasks. Any other text is left to the check of the start, which
 * refuses it: what was meant to hold something back must not begin it.
 */

import { createEdge } from "./edge-api.js";
import { onlyCopy } from "./only-copy.js";
import { createRouter } from "./router.js";
import { without } from "./script-url.js";

/** @import { EdgeError } from "./errors.js" */
/** @typedef {[method: string, ...args: any[]]} Command */

/** @type {Record<string, boolean>} */
const SWITCH = { on: true, off: false };
/** @type {Record<string, boolean>} */
const GATE = { required: false };

const global = /** @type {any} */ (window);
/** @type {Command[]} */
const queued = global.EdgeAI?.q ?? [];

try {
  if (!global.EdgeAI?.version) install();
} catch (error) {
  refuse(without(error));
}

function install() {
  // Without these even a start has no way to refuse.
  Promise.resolve(performance.now()).then();
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  // A script within the page has an empty one.
  const base = script?.src || document.baseURI;
  const edge = onlyCopy(() => createEdge(new URL("./", base).href));
  const run = (/** @type {Command} */ command) => runCommand(edge, command);
  global.EdgeAI = Object.assign(edge, {
    q: { push: (/** @type {Command[]} */ ...commands) => commands.forEach(run) },
  });
  const isListener = (/** @type {Command} */ command) => command?.[0] === "on";
  queued.filter(isListener).forEach(run);
  const { config, capture, exposure, consent, vms } = /** @type {any} */ (script?.dataset ?? {});
  // A failed start is reported by `status`, a mistake in the tag is not; nobody holds this promise.
  if (config)
    edge
      .start({
        config,
        capture: SWITCH[capture] ?? capture,
        exposure: SWITCH[exposure] ?? exposure,
        consent: GATE[consent] ?? consent,
        vms: /^\d+$/.test(vms) ? Number(vms) : vms,
      })
      .catch((error) => error.code === "argument-invalid" && reportError(error));
  queued.filter((command) => !isListener(command)).forEach(run);
}

/**
 * A script of the page has broken what not even the calls can be made without: each is refused, with the reason.
 * @param {EdgeError} error
 */
function refuse(error) {
  const told = { state: "unsupported", reason: error.message, error: error.toPlain() };
  const push = (/** @type {any[]} */ [method, name, answer, refused]) => {
    if (method === "on" && name === "status") answer(told);
    if (method === "infer") refused?.(error);
  };
  const call = async () => {
    throw error;
  };
  const known = {
    q: queued,
    // Nobody is to wait for it as for a promise.
    then: false,
    router: createRouter(call),
    on(/** @type {any[]} */ ...args) {
      push(["on", ...args]);
      return known.track;
    },
    track() {},
  };
  const get = (/** @type {any} */ own, /** @type {string} */ name) => own[name] ?? call;
  queued.push = /** @type {any} */ (push);
  try {
    global.EdgeAI = new Proxy(known, { get });
  } catch {
    // The name cannot be had: what is queued is answered.
  }
  for (let i = 0; i < queued.length; i++) push(queued[i]);
}

/**
 * Run a queued command; `infer` may carry callbacks: `["infer", options, resolve, reject]`.
 * @param {any} edge
 * @param {Command} command
 */
function runCommand(edge, command) {
  const [method, ...args] = Array.isArray(command) ? command : [String(command)];
  if (typeof edge[method] !== "function") {
    return reportError(new TypeError(`EdgeAI.q: expected [method, ...arguments], got ${method}.`));
  }
  const answers = method === "infer" ? args.splice(1) : [];
  // What fails without a callback is told by `status` and `log` events, not as an uncaught error.
  const ignored = () => {};
  try {
    Promise.resolve(edge[method](...args)).then(answers[0] ?? ignored, answers[1] ?? ignored);
  } catch (error) {
    // A mistake in one command must not keep the others from running.
    reportError(error);
  }
}
