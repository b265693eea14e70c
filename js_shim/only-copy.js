/** One runtime a page, however its script came and how often: the first copy serves the others' calls. */

const MARK = Symbol.for("edge-web-runtime");

/**
 * What the first copy has made, else what `create` makes.
 * @template T
 * @param {() => T} create
 * @returns {T}
 */
export function onlyCopy(create) {
  // Beside no page, where frameworks import it to render, each copy is its own module's.
  const page = /** @type {any} */ (globalThis.document ?? {});
  return (page[MARK] ??= create());
}
