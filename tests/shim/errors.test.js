/** The page's error tree, against the table shared with Python. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError, NUMBERS, errorFromPlain, toPlainError } from "../../js_shim/errors.js";
import { vectors } from "./vectors.js";

/** @type {{code: keyof typeof NUMBERS, number: number, family: string}[]} */
const ERRORS = vectors("errors").errors;

test("codes, numbers and families are those of the vectors, no more and no less", () => {
  const ours = Object.keys(NUMBERS).map((code) => {
    const { number, family } = new EdgeError(/** @type {keyof typeof NUMBERS} */ (code), "x");
    return { code, number, family };
  });

  assert.deepEqual(ours, ERRORS);
});

test("an error is an Error with its parts and its cause", () => {
  const cause = new TypeError("foreign");
  const error = new EdgeError("queue-full", "full", { queue: "low", limit: 2 }, cause);

  assert.ok(error instanceof Error);
  assert.equal(error.name, "EdgeError");
  assert.equal(error.cause, cause);
  assert.deepEqual(error.details, { queue: "low", limit: 2 });
  assert.ok(!("cause" in new EdgeError("queue-full", "full")));
});

for (const { code } of ERRORS) {
  test(`${code} crosses a border and comes back equal`, () => {
    const error = new EdgeError(code, "expected x, got y", { a: [1, null] });

    const back = errorFromPlain(structuredClone(toPlainError(error, "worker-lost")));

    assert.ok(back instanceof EdgeError);
    assert.deepEqual(back.toPlain(), error.toPlain());
    assert.equal(back.family, error.family);
  });
}

test("what is no EdgeError takes the code of the border and keeps its text", () => {
  assert.deepEqual(toPlainError(new TypeError("no such thing"), "boot-failed"), {
    code: "boot-failed",
    number: 3006,
    message: "TypeError: no such thing",
    details: {},
  });
  assert.equal(toPlainError("just text", "worker-lost").message, "just text");
  assert.equal(toPlainError(undefined, "worker-lost").message, "undefined");
});
