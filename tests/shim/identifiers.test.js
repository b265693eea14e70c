/** Ids of events: in order of time and of their page, whatever the clock does. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventIds, randomHex } from "../../js_shim/identifiers.js";

test("an id is time, page and count", () => {
  const nextId = eventIds(() => 0x19a_b3c4_d5e6);

  const [first, second] = [nextId(), nextId()];

  assert.match(first, /^019ab3c4d5e6-[0-9a-f]{16}-000000$/);
  assert.equal(second, first.replace(/0$/, "1"));
});

test("ids of a page grow as texts, also when the clock goes back", () => {
  let nowMs = 1_700_000_000_000;
  const nextId = eventIds(() => nowMs);

  const ids = Array.from({ length: 100_000 }, (_, n) => {
    nowMs += n % 3 ? 1 : -5;
    return nextId();
  });

  assert.ok(ids.every((id, n) => n === 0 || id > ids[n - 1]));
  assert.ok(ids.every((id) => id.length === 36));
});

test("two pages share no id", () => {
  const nowMs = () => 1;
  assert.notEqual(eventIds(nowMs)(), eventIds(nowMs)());
});

test("random digits are as many as asked for", () => {
  assert.match(randomHex(), /^[0-9a-f]{16}$/);
  assert.match(randomHex(4), /^[0-9a-f]{8}$/);
});
