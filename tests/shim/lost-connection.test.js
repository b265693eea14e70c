/** A cut connection costs one repetition; any other failure is the caller's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onceMoreIfLost } from "../../js_shim/host/lost-connection.js";

/**
 * Fail with `errors` one after the other, then succeed; keeps what happened in which order.
 * @param {unknown[]} errors
 */
async function attempted(...errors) {
  /** @type {string[]} */
  const done = [];
  const action = async () => {
    done.push("act");
    if (errors.length > 0) throw errors.shift();
    return "value";
  };
  const settled = await onceMoreIfLost(action, () => done.push("drop")).catch((error) => error);
  return { done, settled };
}

test("what works is done once", async () => {
  assert.deepEqual(await attempted(), { done: ["act"], settled: "value" });
});

for (const name of ["InvalidStateError", "UnknownError", "AbortError", "VersionError"]) {
  test(`after ${name} a new connection gets the same work`, async () => {
    const { done, settled } = await attempted(new DOMException("closed", name));

    assert.deepEqual([done, settled], [["act", "drop", "act"], "value"]);
  });
}

test("a second loss is told", async () => {
  const [first, second] = ["AbortError", "UnknownError"].map((name) => new DOMException("", name));

  const { done, settled } = await attempted(first, second);

  assert.deepEqual([done, settled], [["act", "drop", "act"], second]);
});

for (const error of [new DOMException("full", "QuotaExceededError"), new TypeError("a defect")]) {
  test(`${error.name} is not repeated`, async () => {
    assert.deepEqual(await attempted(error), { done: ["act"], settled: error });
  });
}
