/** The steps of a boot: each is told, timed and given a deadline of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSteps } from "../../js_shim/boot.js";
import { EdgeError } from "../../js_shim/errors.js";

const PATIENT_MS = 60_000;

function steps() {
  /** @type {string[]} */
  const told = [];
  return { told, ...createSteps((name) => void told.push(name)) };
}

test("a step gives its action's value; its beginning is told and its time kept", async () => {
  const { step, stepsMs, told } = steps();

  const value = await step("assets", PATIENT_MS, async () => {
    assert.deepEqual([told, stepsMs], [["assets"], {}]);
    return "bytes";
  });
  await step("python", PATIENT_MS, async () => {});

  assert.equal(value, "bytes");
  assert.deepEqual(told, ["assets", "python"]);
  assert.deepEqual(Object.keys(stepsMs), ["assets", "python"]);
  assert.ok(Object.values(stepsMs).every((ms) => ms >= 0));
});

test("a step that fails rejects with its own error and still has a time", async () => {
  const { step, stepsMs } = steps();
  const failure = new EdgeError("feature-missing", "no wasm");

  await assert.rejects(
    step("wasm", PATIENT_MS, () => Promise.reject(failure)),
    failure,
  );
  await assert.rejects(
    step("core", PATIENT_MS, () => {
      throw failure;
    }),
    failure,
  );

  assert.deepEqual(Object.keys(stepsMs), ["wasm", "core"]);
});

test("a step that never ends is named with its deadline", async () => {
  const { step, stepsMs } = steps();

  await assert.rejects(
    step("python", 5, () => new Promise(() => {})),
    (/** @type {EdgeError} */ error) => {
      assert.ok(error instanceof EdgeError);
      assert.equal(error.code, "boot-timeout");
      assert.deepEqual(error.details, { step: "python" });
      assert.match(error.message, /^boot step python: expected its end within 5 ms, got none/);
      return true;
    },
  );
  assert.deepEqual(Object.keys(stepsMs), ["python"]);
});
