/** A lost worker is replaced a few times, after growing pauses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRestarts } from "../../js_shim/restarts.js";

const LIMITS = { restarts: 3, restartWindowMs: 60_000, backoffMs: 500 };

test("each pause is four times the one before; one loss too many has none", () => {
  const restarts = createRestarts(LIMITS);

  const delays = [0, 1_000, 2_000, 3_000].map((nowMs) => restarts.nextDelayMs(nowMs));

  assert.deepEqual(delays, [500, 2_000, 8_000, undefined]);
});

test("losses older than the window are forgotten", () => {
  const restarts = createRestarts(LIMITS);
  for (const nowMs of [0, 1, 2]) restarts.nextDelayMs(nowMs);

  assert.equal(restarts.nextDelayMs(60_001), 2_000);
  assert.equal(restarts.nextDelayMs(200_000), 500);
});

test("no restart may be allowed at all", () => {
  assert.equal(createRestarts({ ...LIMITS, restarts: 0 }).nextDelayMs(0), undefined);
});
