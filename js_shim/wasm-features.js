/** What this engine's WebAssembly offers, asked without compiling: no policy forbids that. */

// A function of type () -> v128 in each: SIMD, then relaxed SIMD.
// prettier-ignore
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
// prettier-ignore
const RELAXED_SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11];

/** @param {any} scope  Here and below: what has `WebAssembly`, or has not. */
export const hasSimd = (scope) => isValid(scope, SIMD);

/** @param {any} scope */
export const hasRelaxedSimd = (scope) => isValid(scope, RELAXED_SIMD);

/**
 * @param {any} scope
 * @param {number[]} bytes
 * @returns {boolean}
 */
function isValid(scope, bytes) {
  try {
    return scope.WebAssembly.validate(new Uint8Array(bytes));
  } catch {
    return false;
  }
}
