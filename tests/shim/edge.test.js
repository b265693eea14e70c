/** The module beside another copy of the runtime, which was there first. */

import assert from "node:assert/strict";
import { test } from "node:test";

const scope = /** @type {any} */ (globalThis);

test("the first copy serves, and what it throws is of the class that the module offers", async (t) => {
  class EdgeError extends Error {}
  const first = { start() {}, EdgeError };
  scope.document = { [Symbol.for("edge-web-runtime")]: first };
  t.after(() => delete scope.document);

  const module = await import("../../js_shim/edge.js");

  assert.equal(module.default, first);
  assert.equal(module.start, first.start);
  assert.equal(module.EdgeError, EdgeError);
});
