/** The mini-program's side: what came, once and in order; the next address for a command. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createReceiver } from "../../js_shim/miniprogram/receiver.js";

/** @param {string} id */
const message = (id, type = "result") => ({ v: 1, id, ts: 1, type, body: id });
/** @param {unknown} data */
const event = (data) => ({ detail: { data } });
/** @param {{id: string}[]} messages */
const ids = (messages) => messages.map(({ id }) => id);

test("messages come once each, however often the host repeats them", () => {
  const { take } = createReceiver();

  assert.deepEqual(ids(take(event([message("a"), message("b")]))), ["a", "b"]);
  assert.deepEqual(ids(take(event([message("a"), message("b"), message("c"), message("c")]))), [
    "c",
  ]);
});

test("and however many there are", () => {
  const { take } = createReceiver();
  const all = Array.from({ length: 5_000 }, (_, n) => message(String(n).padStart(6, "0")));

  assert.equal(take(event(all)).length, 5_000);
  assert.deepEqual(ids(take(event([...all, message("new")]))), ["new"]);
});

test("messages of one event come in the order in which the page sent them", () => {
  assert.deepEqual(ids(createReceiver().take(event([message("2"), message("10"), message("1")]))), [
    "1",
    "10",
    "2",
  ]);
});

test("alipay's event has one message, bare", () => {
  const { take } = createReceiver();

  assert.deepEqual(ids(take({ detail: message("a") })), ["a"]);
  assert.deepEqual(ids(take(event(message("b")))), ["b"]);
});

test("what is no message of the bridge is left out and told", () => {
  /** @type {string[]} */
  const warnings = [];
  const { take } = createReceiver({ warn: (text) => void warnings.push(text) });

  assert.deepEqual(ids(take(event([null, { v: 9 }, "x", message("a")]))), ["a"]);
  assert.deepEqual(warnings, ["web-view: expected messages of the bridge, got 3 others."]);
  for (const odd of [undefined, {}, { detail: null }, event([])]) assert.deepEqual(take(odd), []);
});

test("a command changes the hash of the address alone, each time to another", () => {
  const { nextSrc } = createReceiver({ nowMs: () => 1_700_000_000_000 });
  const src = "https://shop.test/shop?from=mini#/item/7";
  const first = nextSrc(src, "infer", { word: "茶" });

  assert.match(first, /^https:\/\/shop\.test\/shop\?from=mini#edge=[\x21-\x7e]+$/);
  assert.notEqual(nextSrc(first, "infer", { word: "茶" }), first);
  assert.equal(nextSrc(first, "infer").split("#").length, 2);
  assert.deepEqual(JSON.parse(decodeURIComponent(first.split("#edge=")[1])).body, { word: "茶" });
});

test("a command that is too long is refused before it is sent", () => {
  const { nextSrc } = createReceiver();

  assert.throws(
    () => nextSrc("https://shop.test/", "infer", "x".repeat(2_048)),
    (error) =>
      error instanceof EdgeError &&
      error.code === "argument-invalid" &&
      /at most 2048 bytes, got 2\d\d\d/.test(error.message),
  );
});

test("ids of two mini-programs differ, those of one grow", () => {
  let ms = 1_700_000_000_000;
  const [one, other] = [createReceiver({ nowMs: () => ms }), createReceiver({ nowMs: () => ms })];
  const made = [one.envelope("a", 1), one.envelope("a", 1)];
  ms += 1;
  made.push(one.envelope("a", 1));

  assert.deepEqual(ids(made), ids(made).sort());
  assert.equal(new Set(ids([...made, other.envelope("a", 1)])).size, 4);
});
