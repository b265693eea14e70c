/**
 * Builtins as they were when this script began: what other scripts put in their place later does not reach it.
 *
 * The build puts these in the place of the global names in the page's scripts. `Promise` is the language's own, even
 * where a polyfill was first.
 */

const { constructor: OwnPromise } = (async () => {})();
const { parse, stringify } = JSON;
const { setTimeout: after, clearTimeout: forget } = globalThis;

export {
  OwnPromise as Promise,
  parse as "JSON.parse",
  stringify as "JSON.stringify",
  after as setTimeout,
  forget as clearTimeout,
};
