/** Listeners by name, independent of one another. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEmitter } from "../../js_shim/emitter.js";

test("every listener of a name is called in order, others are not", () => {
  const emitter = createEmitter();
  /** @type {unknown[]} */
  const heard = [];
  emitter.on("result", (body) => heard.push(["first", body]));
  emitter.on("result", (body) => heard.push(["second", body]));
  emitter.on("log", (body) => heard.push(["log", body]));

  emitter.emit("result", 1);
  emitter.emit("nobody listens", 2);

  assert.deepEqual(heard, [
    ["first", 1],
    ["second", 1],
  ]);
});

test("the returned function ends the listening, also twice and while emitting", () => {
  const emitter = createEmitter();
  /** @type {string[]} */
  const heard = [];
  const off = emitter.on("result", () => {
    heard.push("once");
    off();
  });
  emitter.on("result", () => heard.push("always"));

  emitter.emit("result", null);
  off();
  emitter.emit("result", null);

  assert.deepEqual(heard, ["once", "always", "always"]);
});

test("a listener added while emitting hears the next one only", () => {
  const emitter = createEmitter();
  /** @type {string[]} */
  const heard = [];
  const off = emitter.on("result", () => {
    off();
    emitter.on("result", () => heard.push("late"));
  });

  emitter.emit("result", null);
  assert.deepEqual(heard, []);
  emitter.emit("result", null);

  assert.deepEqual(heard, ["late"]);
});

test("a listener that throws is reported and silences nobody", (t) => {
  const emitter = createEmitter();
  const failure = new Error("the page's own");
  /** @type {unknown[]} */
  const reported = [];
  const scope = /** @type {any} */ (globalThis);
  const original = scope.reportError;
  scope.reportError = (/** @type {unknown} */ error) => reported.push(error);
  t.after(() => (scope.reportError = original));
  let called = 0;
  emitter.on("result", () => {
    throw failure;
  });
  emitter.on("result", () => (called += 1));

  emitter.emit("result", null);

  assert.deepEqual([reported, called], [[failure], 1]);
});
