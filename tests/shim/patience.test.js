/** A caller waits for a booting runtime as long as it wants to, and no longer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { patiently } from "../../js_shim/patience.js";

const never = () => new Promise(() => {});

test("what settles in time settles as it is", async () => {
  const failure = new Error("mine");

  assert.equal(await patiently(Promise.resolve(7), { timeoutMs: 60_000 }), 7);
  await assert.rejects(patiently(Promise.reject(failure), {}), failure);
});

test("an aborted signal ends the wait, before it and during it", async () => {
  const aborting = new AbortController();
  const waiting = patiently(never(), { signal: aborting.signal });
  aborting.abort();

  await assert.rejects(waiting, { code: "run-cancelled" });
  await assert.rejects(patiently(Promise.resolve(1), { signal: aborting.signal }), {
    code: "run-cancelled",
  });
});

test("an abort in the turn that settles the wait still counts", async () => {
  const aborting = new AbortController();
  const waiting = patiently(Promise.resolve(1), { signal: aborting.signal });
  aborting.abort();

  await assert.rejects(waiting, { code: "run-cancelled", number: 5003 });
});

test("a timeout ends the wait and names its length", async () => {
  await assert.rejects(patiently(never(), { timeoutMs: 1 }), {
    code: "deadline-passed",
    details: { timeoutMs: 1 },
    message: /within 1 ms/,
  });
});
