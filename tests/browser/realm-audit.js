/**
 * Looks whether anything that a worker's realm can do to its origin is within reach of objects that Python has.
 *
 * What may do harm is noted before anything is taken away: all that hangs on a name of the global object or of its
 * prototypes and is not of the language. Closures are not seen; `realm-scrub.js` says what holds for them.
 */

const LANGUAGE =
  /^(Object|Function|Array|Number|Boolean|String|Symbol|Date|Promise|RegExp|BigInt|Map|Set|Weak\w+|FinalizationRegistry|Proxy|Reflect|JSON|Math|Intl|Iterator|Temporal|DataView|\w*Array(Buffer)?|\w*Error|\w*DisposableStack|WebAssembly|Text\w+coder|Infinity|NaN|undefined|parse\w+|is\w+|decode\w+|encode\w+|escape|unescape|globalThis|self|clear\w+)$/;
// A channel without anybody at its other end; the interpreter's own turns go through one.
const HARMLESS = /^(MessageChannel|MessagePort)\b/;
const LIMIT = 400_000;

/** @type {Map<object, string>} */
const harmful = new Map();
/** @type {Set<any>} */
const harmless = new Set([globalThis, Object.prototype]);

/**
 * Call `take` with an object and all that hangs on it.
 * @param {any} object
 * @param {string} path
 * @param {(object: object, path: string) => boolean} take  Whether to go on from there.
 */
function follow(object, path, take) {
  if ((typeof object !== "object" && typeof object !== "function") || object === null) return;
  if (!take(object, path)) return;
  for (const key of Reflect.ownKeys(object)) {
    const { value, get, set } = /** @type {PropertyDescriptor} */ (
      Reflect.getOwnPropertyDescriptor(object, key)
    );
    for (const each of [value, get, set]) follow(each, `${path}.${String(key)}`, take);
  }
  follow(Object.getPrototypeOf(object), `${path}.__proto__`, take);
}

/** @returns {[string, any][]} Names of the global object and its prototypes, with what they hold. */
function globals() {
  const all = [];
  for (let each = globalThis; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    harmless.add(each);
    for (const name of Object.getOwnPropertyNames(each)) {
      const { value, get } = /** @type {PropertyDescriptor} */ (
        Object.getOwnPropertyDescriptor(each, name)
      );
      all.push([name, get ? read(get) : value], [name, get]);
    }
  }
  return /** @type {[string, any][]} */ (all);
}

const CODE = [() => {}, async () => {}, function* () {}, async function* () {}].map(
  (each) => each.constructor,
);
for (const each of [eval, ...CODE]) harmful.set(each, each.name);
const named = globals();
for (const [name, value] of named.filter(([name]) => LANGUAGE.test(name)))
  follow(value, name, (each) => !harmful.has(each) && isNew(harmless, each));
for (const [name, value] of named.filter(([name]) => !LANGUAGE.test(name)))
  follow(value, name, (each, path) => {
    if (harmless.has(each) || harmful.has(each)) return false;
    harmful.set(each, path);
    return true;
  });

/**
 * @param {Set<any>} set
 * @param {unknown} value
 */
function isNew(set, value) {
  return set.size < set.add(value).size;
}

/** @param {() => any} get */
function read(get) {
  try {
    return get.call(globalThis);
  } catch {
    return undefined;
  }
}

function literals() {
  const iterators = [
    [][Symbol.iterator](),
    new Map().entries(),
    new Set().values(),
    "a".matchAll(/a/g),
  ];
  const functions = [() => {}, async () => {}, function* () {}, async function* () {}];
  const others = [
    /a/,
    Promise.resolve(),
    new Error("a"),
    new WebAssembly.Memory({ initial: 0 }),
    new Uint8Array(1),
  ];
  return [
    ...iterators,
    ...functions,
    ...others,
    (function* () {})(),
    (async function* () {})(),
    1n,
    Symbol("a"),
    new Date(),
    "",
  ];
}

/**
 * @param {any} python
 * @param {Iterable<any>} roots  Objects that Python has.
 * @returns {{visited: number, found: string[]}}  Paths to what may do harm.
 */
export function audit(python, roots) {
  /** @type {[any, string][]} */
  const queue = [
    [globalThis, "self"],
    [python, "pyodide"],
  ];
  for (const each of [...literals(), ...roots]) queue.push([Object(each), "value"]);
  const seen = new Set();
  /** @type {Set<string>} */
  const found = new Set();
  for (let next = queue.shift(); next && seen.size < LIMIT; next = queue.pop()) {
    const [object, path] = next;
    if ((typeof object !== "object" && typeof object !== "function") || object === null) continue;
    if (seen.has(object) || python_is(object)) continue;
    seen.add(object);
    const what = harmful.get(object);
    if (what && !HARMLESS.test(what)) found.add(`${what} at ${path}`);
    if (path.length < 400) visit(object, path, queue);
  }
  return { visited: seen.size, found: [...found] };
}

/** @param {any} object */
function python_is(object) {
  try {
    return typeof object.$$ !== "undefined" || object instanceof WebAssembly.Module;
  } catch {
    return true;
  }
}

/**
 * @param {any} object
 * @param {string} path
 * @param {[any, string][]} queue
 */
function visit(object, path, queue) {
  queue.push([Object.getPrototypeOf(object), `${path}.__proto__`]);
  if (ArrayBuffer.isView(object)) return;
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    const here = `${path}.${String(key)}`;
    for (const each of [descriptor?.value, descriptor?.get, descriptor?.set])
      queue.push([each, here]);
    if (descriptor?.get) {
      try {
        queue.push([object[key], here]);
      } catch {
        // It wants another object.
      }
    }
  }
}
