/** Each run's outcome reaches the page's listeners once, whoever ran it again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createDelivery } from "../../js_shim/delivery.js";

/** @param {number} [remembered] */
function delivery(remembered) {
  /** @type {[string, any][]} */
  const delivered = [];
  const tell = createDelivery((name, body) => delivered.push([name, body]), remembered);
  return { delivered, tell };
}

test("a run that is run again is told once, whatever came of it the second time", () => {
  const { delivered, tell } = delivery();
  const [first, other] = [{ runId: "Rank-e1", value: 1 }, { runId: "Rank-e2" }];

  tell("result", first);
  tell("result", { runId: "Rank-e1", value: 2 });
  tell("error", { runId: "Rank-e1", error: {} });
  tell("error", other);
  tell("result", { runId: "Rank-e2" });

  assert.deepEqual(delivered, [
    ["result", first],
    ["error", other],
  ]);
});

test("a line of a run's log is no outcome", () => {
  const { delivered, tell } = delivery();

  tell("log", { runId: "Rank-e1", message: "a" });
  tell("log", { runId: "Rank-e1", message: "b" });
  tell("status", { state: "ready" });
  tell("status", { state: "ready" });

  assert.equal(delivered.length, 4);
});

test("as many runs are remembered as there is room for; one told again stays remembered", () => {
  const { delivered, tell } = delivery(2);
  const outcome = (/** @type {string} */ runId) => tell("result", { runId });

  for (const runId of ["a", "b", "a", "c", "a", "b"]) outcome(runId);

  assert.deepEqual(
    delivered.map(([, { runId }]) => runId),
    ["a", "b", "c", "b"],
  );
});
