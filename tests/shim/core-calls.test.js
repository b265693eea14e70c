/** Requests to Python and back, without a promise over the border. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createCoreCalls } from "../../js_shim/core-calls.js";

/** Calls to a core that keeps what it is asked. */
function asking() {
  const calls = createCoreCalls();
  /** @type {any[][]} */
  const asked = [];
  calls.open({
    dispatch: (/** @type {any[]} */ ...all) => asked.push(["dispatch", ...all]),
    track: (/** @type {any[]} */ ...all) => asked.push(["track", ...all]),
    cancel: (/** @type {any[]} */ ...all) => asked.push(["cancel", ...all]),
    take_up: () => asked.push(["take_up"]),
  });
  return { calls, asked };
}

test("what is asked in one turn reaches Python in order, and each gets its own answer", async () => {
  const { calls, asked } = asking();

  const put = calls.call("put", { key: "k", value: Uint8Array.of(1) });
  const track = calls.track("[]", "b", true);
  await Promise.resolve();
  calls.cancel(7);
  const bytes = Uint8Array.of(9);
  calls.reply(2, '{"value": {}}', []);
  calls.reply(1, '{"value": {"$bytes": 0}}', [bytes]);

  assert.deepEqual(asked, [
    ["dispatch", 1, "put", '{"key":"k","value":{"$bytes":0}}', [Uint8Array.of(1)]],
    ["track", 2, "[]", "b", true],
    ["cancel", 7],
  ]);
  const answered = await put;
  assert.deepEqual([answered.value, answered.transfer], [bytes, [bytes.buffer]]);
  assert.deepEqual((await track).value, {});
});

test("a plain error becomes an error", async () => {
  const { calls } = asking();
  const put = calls.call("put", {});
  const error = { code: "storage-full", number: 3003, message: "no room", details: { n: 1 } };

  calls.reply(1, JSON.stringify({ error }), []);

  await assert.rejects(put, { name: "EdgeError", code: "storage-full", details: { n: 1 } });
});

test("blobs of an infer are read; what is no plain data is refused", async () => {
  const { calls, asked } = asking();

  calls.call("infer", { extData: { photo: new Blob([Uint8Array.of(1, 2)]) } });
  const refused = calls.call("put", { value: () => {} });

  await assert.rejects(refused, { code: "argument-invalid", message: /^put: expected plain data/ });
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(asked[0].at(-1), [Uint8Array.of(1, 2)]);
});

test("a core that throws rejects its call, and only that", async () => {
  const calls = createCoreCalls();
  const dispatch = () => {
    throw new Error("a defect");
  };
  calls.open({ dispatch, track() {}, cancel() {}, take_up() {} });

  await assert.rejects(calls.call("get", {}), /a defect/);
  const track = calls.track("[]", "");
  calls.reply(2, '{"value": {}}', []);
  assert.deepEqual((await track).value, {});
});

test("before and after its time there is nobody to ask; late answers are for nobody", async () => {
  const { calls } = asking();
  calls.call("get", {});
  calls.close();

  calls.cancel(1);
  calls.reply(1, '{"value": 1}', []);
  await assert.rejects(calls.call("get", {}), { code: "runtime-stopped" });
  await assert.rejects(createCoreCalls().track("[]", ""), { code: "runtime-stopped" });
});
