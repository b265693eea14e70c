// Requests of tasks as the browser is asked for them.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { request } from "../../js_shim/host/network.js";

const ORDER = { url: "https://api.test/", method: "POST", headers: { a: "b" }, maxBytes: 9 };
const real = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = real;
});

/**
 * Put a function in the place of `fetch`; gives what it was called with.
 * @param {(signal: AbortSignal) => Response | Promise<Response>} answer
 */
function standIn(answer) {
  /** @type {any[]} */
  const calls = [];
  globalThis.fetch = async (url, options) => {
    calls.push([url, options]);
    return answer(/** @type {AbortSignal} */ (options?.signal));
  };
  return calls;
}

/** @param {AbortSignal} signal */
const never = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a request carries nothing of the user, is not kept and follows no redirect", async () => {
  const calls = standIn(() => new Response("ok", { status: 404, headers: { "X-B": "c" } }));

  const { answer } = request({ ...ORDER, body: new Uint8Array([1]), timeoutMs: 60_000 });

  const { status, headers, body } = await answer;
  assert.deepEqual([status, headers["x-b"], [...body]], [404, "c", [111, 107]]);
  const [url, { signal, ...options }] = calls[0];
  assert.equal(url, "https://api.test/");
  assert.ok(!signal.aborted);
  assert.deepEqual(options, {
    method: "POST",
    headers: { a: "b" },
    body: new Uint8Array([1]),
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
    cache: "no-store",
  });
});

test("an endless body is dropped at the limit", async () => {
  let read = 0;
  let isCancelled = false;
  const endless = new ReadableStream({
    pull: (to) => (read++, to.enqueue(new Uint8Array(4))),
    cancel: () => void (isCancelled = true),
  });
  standIn(() => new Response(endless));

  const { answer } = request({ ...ORDER, body: null, timeoutMs: 60_000 });

  await assert.rejects(answer, { code: "network-failed", message: /at most 9 bytes/ });
  assert.ok(isCancelled && read < 6);
});

test("what nobody waits for any more is ended", async () => {
  const calls = standIn(never);

  const { answer, abort } = request({ ...ORDER, body: null, timeoutMs: 60_000 });
  abort();

  await assert.rejects(answer, { code: "network-failed" });
  assert.ok(calls[0][1].signal.aborted);
});

test("what does not come in time is ended and said so", async () => {
  standIn(never);

  const { answer } = request({ ...ORDER, body: null, timeoutMs: 1 });

  const details = { url: ORDER.url, status: null };
  await assert.rejects(answer, { message: /nothing complete after 1 ms/, details });
});
