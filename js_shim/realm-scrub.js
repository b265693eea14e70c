/**
 * Takes from a worker's realm what it could do to its origin: what is left is the language, clocks and random numbers.
 *
 * Python in this realm may reach every object of it, so nothing that can do harm may be an object here: no name, no
 * property of a prototype, no constructor of a function. An allow-list decides; what a future browser adds goes, too.
 * Authority that a function here has must lie in a variable of its closure which it calls directly: methods that such
 * a call would go through (`call`, `apply`, iterators) are the tasks' to replace.
 */

import { EdgeError } from "./errors.js";

/** @typedef {"code" | "network" | "storage" | "workers" | "channels" | "navigator" | "crypto" | "rest" | "interpreter"} Guard */

/** The language itself, and what Pyodide uses of the browser while it runs. */
const ALLOWED = new Set(
  `Object Function Array Number Boolean String Symbol Date Promise RegExp BigInt Map Set WeakMap WeakSet WeakRef
  FinalizationRegistry Proxy Reflect JSON Math Intl Iterator Temporal WebAssembly DataView ArrayBuffer Int8Array
  Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array
  BigInt64Array BigUint64Array Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError
  SuppressedError DisposableStack AsyncDisposableStack Infinity NaN undefined parseFloat parseInt isFinite isNaN
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape globalThis self
  TextDecoder TextEncoder gc eval setTimeout clearTimeout setInterval clearInterval`.split(/\s+/),
);

const INHERITED = ["self", "clearTimeout", "clearInterval"];
const TIMERS = ["setTimeout", "setInterval"];

/** Only Pyodide's start needs these, and the guest's; none is to be had before it, none after it. */
const FOR_BOOT = new Set(
  `fetch Response URL location navigator crypto performance console MessageChannel WorkerGlobalScope`.split(
    " ",
  ),
);

/** Which guard a name is taken away by; `rest` is for all others. Tests leave one out and see harm done. */
const GUARDED = Object.entries({
  code: /^(setTimeout|setInterval|trustedTypes|ShadowRealm)$/,
  network:
    /^(fetch.*|XMLHttpRequest.*|WebSocket.*|EventSource|WebTransport.*|RTC.*|Request|Response|Headers|FontFace.*|fonts|importScripts)$/,
  storage:
    /^(indexedDB|IDB.*|caches|Cache.*|cookieStore|Cookie.*|FileSystem.*|webkitRe.*|Storage.*)$/,
  workers: /^(Worker|SharedWorker)$/,
  channels:
    /^(BroadcastChannel|Message.*|postMessage|onmessage.*|close|reportError|EventTarget|.*EventListener|dispatchEvent)$/,
  navigator: /^(navigator|WorkerNavigator)$/,
  crypto: /^(crypto|Crypto|CryptoKey|SubtleCrypto)$/,
});

/** What Python's own side of the border asks Pyodide for. */
const INTERPRETER = new Set(["_api", "_module", "ffi", "loadedPackages", "version"]);

/**
 * Prepare a realm for Python, and take the rest away when Python is up.
 * @param {any} scope  The worker's global object.
 * @param {{except?: Guard[]}} [options]  Guards to leave out, for tests.
 */
export function createScrub(scope, { except = [] } = {}) {
  const isOn = (/** @type {Guard} */ guard) => !except.includes(guard);
  const fetching = isOn("network") ? revocableFetch(scope) : undefined;

  /** @param {Set<string>} kept */
  function sweep(kept) {
    const chain = chainOf(scope);
    for (const object of chain) {
      for (const name of Object.getOwnPropertyNames(object)) {
        const isOwn = object === scope;
        if (kept.has(name) || (isOwn && ALLOWED.has(name))) continue;
        if (isOn(guardOf(name))) remove(object, name);
      }
    }
  }

  return {
    /** Before Python starts: it keeps what it finds. */
    begin() {
      // These lie on a prototype, of which nothing is to be left.
      for (const name of [...INHERITED, ...(isOn("code") ? [] : TIMERS)])
        define(scope, name, scope[name]);
      if (isOn("code")) forbidCode(scope);
      sweep(FOR_BOOT);
    },

    /**
     * Before the first task's code runs.
     * @param {any} python  The Pyodide instance; what is still to be used of it must be at hand.
     * @throws {EdgeError} boot-failed: this browser does not give something away.
     */
    finish(python) {
      fetching?.revoke();
      const standIns = standInsOf(scope);
      if (isOn("network")) forbidStreaming();
      if (isOn("interpreter")) emptyInterpreter(python);
      sweep(new Set());
      for (const [name, value] of Object.entries(standIns)) {
        if (isOn(guardOf(name))) define(scope, name, value);
      }
    },
  };
}

/** @param {string} name */
function guardOf(name) {
  const found = GUARDED.find(([, names]) => names.test(name));
  return /** @type {Guard} */ (found?.[0] ?? "rest");
}

/**
 * The global object and its prototypes; what every object has is the language's.
 * @param {object} scope
 */
function chainOf(scope) {
  const chain = [];
  for (let each = scope; each !== Object.prototype; each = Object.getPrototypeOf(each))
    chain.push(each);
  return chain;
}

/**
 * @param {any} object
 * @param {string} name
 */
function remove(object, name) {
  if (Reflect.deleteProperty(object, name)) return;
  const { value, get } = Reflect.getOwnPropertyDescriptor(object, name) ?? {};
  // Constants of an interface cannot be deleted, and can do nothing.
  if (!get && (typeof value !== "object" || value === null) && typeof value !== "function") return;
  const text = `realm: expected ${name} to be removable, got a refusal. Tasks cannot run in VMs of this browser: set vms to 0.`;
  throw new EdgeError("boot-failed", text, { name });
}

/**
 * @param {object} object
 * @param {string | symbol} name
 * @param {unknown} value
 */
function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: false, configurable: false });
}

/**
 * Text never becomes code: whatever the page's policy says, and in a page without one.
 * @param {any} scope
 */
function forbidCode(scope) {
  const kinds = [() => {}, async () => {}, function* () {}, async function* () {}];
  for (const each of kinds) {
    const { prototype } = each.constructor;
    const name = each.constructor.name;
    const refusing = { [name]: () => refuse("code from text") }[name];
    define(prototype, "constructor", refusing);
    if (name in scope) {
      // `instanceof Function` goes on working.
      Object.defineProperty(refusing, "prototype", { value: prototype });
      define(scope, name, refusing);
    }
  }
  define(scope, "eval", () => refuse("code from text"));
  for (const name of TIMERS) define(scope, name, timerOf(scope[name]));
}

/** @param {(action: () => void, delayMs: number) => number} start */
function timerOf(start) {
  return (/** @type {unknown} */ action, /** @type {number} */ delayMs) =>
    typeof action === "function"
      ? start(/** @type {any} */ (action), delayMs)
      : refuse("code from text");
}

/**
 * Python's library may keep the function that it finds: it must become useless.
 * @param {any} scope
 */
function revocableFetch(scope) {
  const { fetch } = scope;
  let isRevoked = false;
  scope.fetch = (/** @type {any} */ input, /** @type {any} */ init) =>
    isRevoked ? refuse("fetch") : fetch(input, init);
  return {
    revoke() {
      isRevoked = true;
    },
  };
}

function forbidStreaming() {
  for (const name of ["compileStreaming", "instantiateStreaming"]) remove(WebAssembly, name);
}

/**
 * What Pyodide asks for by name, without what else those objects can do.
 * @param {any} scope
 */
function standInsOf(scope) {
  const { crypto, performance } = scope;
  const silent = () => {};
  return {
    console: frozen({
      debug: silent,
      error: silent,
      info: silent,
      log: silent,
      trace: silent,
      warn: silent,
    }),
    crypto: frozen({ getRandomValues: crypto.getRandomValues.bind(crypto) }),
    navigator: frozen({ userAgent: "", platform: "", language: "en", hardwareConcurrency: 1 }),
    performance: frozen({
      now: performance.now.bind(performance),
      timeOrigin: performance.timeOrigin,
    }),
  };
}

/** @param {object} properties */
function frozen(properties) {
  return Object.freeze(Object.assign(Object.create(null), properties));
}

/**
 * File systems outside of memory, and all that only pages call.
 * @param {any} python
 */
function emptyInterpreter(python) {
  const { filesystems } = python.FS;
  for (const name of Object.keys(filesystems)) if (name !== "MEMFS") delete filesystems[name];
  for (const each of [python, Object.getPrototypeOf(python)]) {
    for (const name of Object.getOwnPropertyNames(each)) {
      if (!INTERPRETER.has(name)) Reflect.deleteProperty(each, name);
    }
  }
}

/**
 * @param {string} what
 * @returns {never}
 */
function refuse(what) {
  throw new TypeError(`${what}: not in this realm`);
}
