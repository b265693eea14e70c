/** Hears of addresses that a page gives itself: the browser tells of none. */

/**
 * Call `changed` behind each `pushState` and `replaceState`; the returned function undoes it where nobody wrapped ours since.
 * @param {() => void} changed  Never throws.
 * @returns {() => void}
 */
export function wrapHistory(changed) {
  const restores = ["pushState", "replaceState"].map((name) => wrap(name, changed));
  return () => restores.forEach((restore) => restore());
}

/**
 * @param {string} name
 * @param {() => void} after
 */
function wrap(name, after) {
  const history = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window.history));
  const isOwn = Object.hasOwn(history, name);
  const original = history[name];
  /** @this {History} @param {unknown[]} args */
  const wrapped = function (...args) {
    // Not `original.apply`: a page may have another `apply`.
    const result = Reflect.apply(original, this, args);
    after();
    return result;
  };
  // Not `history[name] = …`, which throws where a page has locked it: its own addresses are not heard of then.
  Reflect.set(history, name, wrapped);
  return () => {
    if (history[name] !== wrapped) return;
    if (isOwn) Reflect.set(history, name, original);
    else delete history[name];
  };
}
