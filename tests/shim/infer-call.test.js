/** Calls whose queue is known to be full are refused on the page, and no others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createInfer } from "../../js_shim/infer-call.js";

/** @import { InferOptions } from "../../js_shim/arguments.js" */
/** @import { Supervisor } from "../../js_shim/supervisor.js" */

const RANK = { systemCode: "demo", businessCode: "rank" };

/** A ready runtime with room for so many calls of any kind, answered when the test says so. */
function runtimeWith(room = Infinity) {
  /** @type {{resolve: (value: unknown) => void, reject: (error: unknown) => void}[]} */
  const accepted = [];
  const around = { nowMs: 0, room, asked: 0 };
  const infer = createInfer(() => around.nowMs);
  const supervisor = /** @type {Supervisor} */ (
    /** @type {unknown} */ ({
      state: "ready",
      wake: async () => {},
      call() {
        around.asked++;
        if (accepted.length >= around.room) return Promise.reject(full());
        return new Promise((resolve, reject) => accepted.push({ resolve, reject }));
      },
    })
  );
  return {
    around,
    infer,
    accepted,

    /**
     * What becomes of calls made in one turn: "ok", a code, or "open".
     * @param {number} count
     * @param {Partial<InferOptions>} [options]
     */
    async call(count, options = {}) {
      const outcomes = Array.from({ length: count }, () => "open");
      outcomes.forEach((_, n) => {
        infer.call(supervisor, { ...RANK, ...options }).then(
          () => (outcomes[n] = "ok"),
          (error) => (outcomes[n] = error.code),
        );
      });
      await settled();
      return outcomes;
    },

    async answerOne() {
      accepted.shift()?.resolve({ value: 1 });
      await settled();
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const full = () => new EdgeError("queue-full", "queue low: full", { queue: "low", limit: 2 });

test("as many as find room are unanswered; what comes above is refused without a question", async () => {
  const { around, infer, call } = runtimeWith(2);

  assert.deepEqual(await call(4), ["open", "open", "queue-full", "queue-full"]);
  assert.deepEqual([around.asked, infer.refused], [4, 0]);
  assert.deepEqual(await call(100), Array(100).fill("queue-full"));

  assert.deepEqual([around.asked, infer.refused], [4, 100]);
});

test("an answer makes room for one more at once", async () => {
  const { around, call, answerOne } = runtimeWith(2);
  await call(3);

  await answerOne();

  assert.deepEqual(await call(2), ["open", "queue-full"]);
  assert.equal(around.asked, 4);
});

test("what is refused on the page is the error that Python gave", async () => {
  const { infer, call } = runtimeWith(0);
  await call(1);

  const supervisor = /** @type {Supervisor} */ ({});
  await assert.rejects(infer.call(supervisor, RANK), {
    ...full(),
    message: "queue low: full",
  });
});

test("Python is asked again and again, once every few milliseconds at most", async () => {
  const { around, call } = runtimeWith(0);
  await call(1);

  let asked = around.asked;
  for (let tenths = 0; tenths < 1_000; tenths++) {
    around.nowMs += 0.1;
    await call(5);
  }
  assert.ok(around.asked - asked <= 10 && around.asked - asked >= 9);
  asked = around.asked;
  around.nowMs += 35;
  await call(10);

  assert.equal(around.asked - asked, 4);
});

test("where room comes back it is found", async () => {
  const { around, call } = runtimeWith(0);
  await call(1);
  around.room = 1_000;

  let open = 0;
  for (let turn = 0; turn < 20; turn++) {
    around.nowMs += 10;
    open += (await call(50)).filter((outcome) => outcome === "open").length;
  }

  assert.ok(open >= 20);
});

test("what was learnt is forgotten when every call has been answered", async () => {
  const runtime = runtimeWith(0);
  assert.deepEqual(await runtime.call(1), ["queue-full"]);
  runtime.around.room = 40;
  runtime.around.nowMs += 10;
  assert.deepEqual(await runtime.call(1), ["open"]);
  await runtime.answerOne();

  assert.deepEqual(
    await runtime.call(40),
    Array.from({ length: 40 }, () => "open"),
  );
});

test("other codes and other priorities are other lines", async () => {
  const { around, call } = runtimeWith(0);
  await call(1, { priority: "low" });

  assert.deepEqual(await call(1, { priority: "low" }), ["queue-full"]);
  assert.equal(around.asked, 1);
  around.room = 10;
  const core = await call(1, { priority: "core" });
  const others = [await call(1), await call(1, { businessCode: "other", priority: "low" })];

  assert.deepEqual([core, ...others], [["open"], ["open"], ["open"]]);
});

test("a call with a supersede key is always Python's to decide", async () => {
  const { around, infer, call } = runtimeWith(0);
  await call(1);

  await call(3, { supersedeKey: "box" });

  assert.deepEqual([around.asked, infer.refused], [4, 0]);
});

test("other failures teach nothing", async () => {
  const { around, accepted, infer, call } = runtimeWith();
  await call(3);

  accepted[0].reject(new EdgeError("task-raised", "raised"));
  accepted[1].reject(new TypeError("a defect"));
  await settled();
  await call(1_000);

  assert.deepEqual([around.asked, infer.refused], [1_003, 0]);
});
