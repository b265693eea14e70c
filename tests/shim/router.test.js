/** The mirror of the native call: its chain, and exactly one callback. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createRouter } from "../../js_shim/router.js";

/**
 * Jump with both callbacks and resolve with what was called.
 * @param {(params: any) => Promise<{value: unknown}>} infer
 * @returns {Promise<unknown[]>}
 */
function called(infer) {
  return new Promise((resolve) => {
    createRouter(infer)
      .to("JDEdgeAI", "infer")
      .callBackListener({
        onComplete: (...values) => resolve(["complete", ...values]),
        onError: (...codes) => resolve(["error", ...codes]),
      })
      .jump();
  });
}

test("the chain's parts become the parameters of one infer", () => {
  /** @type {unknown[]} */
  const asked = [];
  const router = createRouter(async (params) => {
    asked.push(params);
    return { value: null };
  });

  router
    .to("AnyModule", "infer")
    .putString("systemCode", "demo")
    .putString("businessCode", "rank")
    .extraObject("extData", { n: [1, null] })
    .jump();

  assert.deepEqual(asked, [
    { systemCode: "demo", businessCode: "rank", extData: { n: [1, null] } },
  ]);
});

for (const value of [{ order: [1] }, 0, "", false]) {
  test(`onComplete receives ${JSON.stringify(value)}`, async () => {
    assert.deepEqual(await called(async () => ({ value })), ["complete", value]);
  });
}

test("onComplete receives nothing when the task returned None", async () => {
  assert.deepEqual(await called(async () => ({ value: null })), ["complete"]);
});

test("onError receives the integer of the error", async () => {
  const refused = async () => Promise.reject(new EdgeError("task-unknown", "no such task"));

  assert.deepEqual(await called(refused), ["error", 1003]);
});

test("a listener with a class of its own is called as itself, whatever jump is given", async () => {
  class Listener {
    /** @type {unknown[]} */
    heard = [];
    /** @param {unknown} [value] */
    onComplete(value) {
      this.heard.push(value);
    }
    /** @param {number} errorCode */
    onError(errorCode) {
      this.heard.push(errorCode);
    }
  }
  const listener = new Listener();
  let count = 0;
  const router = createRouter(async () => {
    if (count++) throw new EdgeError("queue-full", "full");
    return { value: "done" };
  });

  for (const context of [undefined, { activity: 1 }])
    router.to("JDEdgeAI", "infer").callBackListener(listener).jump(context);
  await new Promise(setImmediate);

  assert.deepEqual(listener.heard, ["done", 5001]);
});

test("without listeners an outcome is nobody's, and no error of the page", async () => {
  const router = createRouter(async () => Promise.reject(new EdgeError("queue-full", "full")));

  router.to("JDEdgeAI", "infer").jump();

  await new Promise(setImmediate);
});

test("two chains do not share parameters", () => {
  /** @type {unknown[]} */
  const asked = [];
  const router = createRouter(async (params) => {
    asked.push(params);
    return { value: null };
  });

  router.to("M", "infer").putString("systemCode", "one").jump();
  router.to("M", "infer").putString("businessCode", "two").jump();

  assert.deepEqual(asked, [{ systemCode: "one" }, { businessCode: "two" }]);
});

test("another method is refused with its name", () => {
  const router = createRouter(async () => ({ value: null }));

  assert.throws(() => router.to("JDEdgeAI", /** @type {any} */ ("train")), {
    code: "argument-invalid",
    message: /expected the method infer, got JDEdgeAI\.train/,
  });
});

test("a call that nobody listens to is made, and disturbs nobody", async (t) => {
  /** @type {unknown[]} */
  const lost = [];
  const note = (/** @type {unknown} */ error) => lost.push(error);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  let calls = 0;
  const infer = async () => {
    calls++;
    if (calls > 1) throw new EdgeError("task-unknown", "no such task");
    return { value: 1 };
  };

  for (let n = 0; n < 2; n++)
    createRouter(infer).to("JDEdgeAI", "infer").callBackListener(null).jump();
  await new Promise((resolve) => setTimeout(resolve));

  assert.deepEqual([calls, lost], [2, []]);
});
