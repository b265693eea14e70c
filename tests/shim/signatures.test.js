import assert from "node:assert/strict";
import { test } from "node:test";

import { verify } from "../../js_shim/host/signatures.js";

// RFC 8032, 7.1, test 1.
const KEY = bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const POINT = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155";
const NUMBER = "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** @param {string} hex */
function bytes(hex) {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** @param {bigint} number  @returns {Uint8Array} A signature with it as its second half. */
function signatureOf(number) {
  const hex = number.toString(16).padStart(64, "0");
  return new Uint8Array([...bytes(POINT), ...bytes(hex).reverse()]);
}

test("an ed25519 number at or above the group's order is refused where the engine takes it", async (t) => {
  const number = BigInt(`0x${Buffer.from(bytes(NUMBER)).reverse().toString("hex")}`);
  const nothing = new Uint8Array();
  assert.equal(await verify("ed25519", KEY, signatureOf(number), nothing), true);

  t.mock.method(crypto.subtle, "verify", async () => true);

  assert.equal(await verify("ed25519", KEY, signatureOf(ORDER - 1n), nothing), true);
  for (const wrong of [number + ORDER, ORDER, 2n ** 256n - 1n]) {
    assert.equal(await verify("ed25519", KEY, signatureOf(wrong), nothing), false);
  }
});
