/** The greeting of a new worker, and every way it can fail. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { greet, handshake } from "../../js_shim/handshake.js";
import { PROTOCOL_VERSION } from "../../js_shim/protocol.js";
import { FakeWorker, greeting } from "./fake-worker.js";
import { createHandTimers } from "./hand-timers.js";

/** @import { TestContext } from "node:test" */

/**
 * @param {TestContext} t
 * @param {ConstructorParameters<typeof FakeWorker>[0]} script
 * @param {unknown} [options]
 */
function greeted(t, script, options = {}) {
  const worker = new FakeWorker(script);
  const timers = createHandTimers();
  t.after(() => worker.terminate());
  const port = handshake(worker.asWorker, {
    name: "https://shop.example/edge/runtime-worker.js",
    options,
    deadlineMs: 100,
    timers,
  });
  return { worker, timers, port };
}

/**
 * @param {string} code
 * @param {RegExp} text
 */
const failure = (code, text) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof EdgeError);
  assert.equal(error.code, code);
  assert.match(error.message, text);
  assert.match(error.message, /runtime-worker\.js: expected/);
  return true;
};

test("the worker receives its options and the other end of the port", async (t) => {
  /** @type {unknown} */
  let received;
  const script = greeting((port, options) => {
    received = options;
    port.postMessage("first");
    port.close();
  });

  const { worker, timers, port } = greeted(t, script, { config: { triggers: [] } });
  const own = await port;
  const first = await new Promise((resolve) => (own.onmessage = resolve));
  own.close();

  assert.deepEqual(received, { config: { triggers: [] } });
  assert.equal(first.data, "first");
  assert.deepEqual([worker.onmessage, worker.onerror, timers.waiting], [null, null, 0]);
});

test("greet says hello and waits for the start, no matter what else comes before", async (t) => {
  const scope = /** @type {any} */ (globalThis);
  t.after(() => {
    delete scope.postMessage;
    delete scope.onmessage;
  });
  const worker = new FakeWorker((inside) => {
    scope.postMessage = inside.postMessage;
    inside.onmessage = (event) => scope.onmessage?.(event);
    greet((port, options) => {
      port.postMessage(options);
      port.close();
    });
  });
  t.after(() => worker.terminate());
  worker.postMessage({ kind: "noise" }, []);

  const port = await handshake(worker.asWorker, { name: "w", options: "ours", deadlineMs: 10_000 });
  const { data } = await new Promise((resolve) => (port.onmessage = resolve));
  port.close();

  assert.equal(data, "ours");
  assert.equal(scope.onmessage, null);
});

for (const version of [3, 0, "4", null]) {
  test(`protocol version ${JSON.stringify(version)} is refused`, async (t) => {
    const script = greeting(() => {}, version);

    const { worker, timers, port } = greeted(t, script);

    await assert.rejects(port, failure("version-mismatch", /expected protocol version 4, got /));
    assert.deepEqual([worker.onmessage, worker.onerror, timers.waiting], [null, null, 0]);
  });
}

test("another build is refused, and told what to do, although it speaks the same protocol", async (t) => {
  const { worker, timers, port } = greeted(t, (scope) =>
    scope.postMessage({ kind: "hello", version: PROTOCOL_VERSION, build: "0.0.9+12345678" }),
  );

  await assert.rejects(
    port,
    failure("version-mismatch", /expected build , got 0\.0\.9\+12345678: reload the page/),
  );
  assert.deepEqual([worker.onmessage, worker.onerror, timers.waiting], [null, null, 0]);
});

for (const other of [
  { version: 3, build: "" },
  { version: PROTOCOL_VERSION, build: "other" },
  { version: PROTOCOL_VERSION },
])
  test(`a worker does not begin for a creator with ${JSON.stringify(other)}`, (t) => {
    const scope = /** @type {any} */ (globalThis);
    t.after(() => {
      delete scope.postMessage;
      delete scope.onmessage;
    });
    /** @type {unknown[]} */
    const said = [];
    scope.postMessage = (/** @type {unknown} */ data) => said.push(data);
    greet(() => said.push("begun"));

    const start = { data: { ...other, kind: "start", port: {}, options: {} } };
    assert.throws(() => scope.onmessage(start), { code: "version-mismatch", message: /^start: / });

    assert.deepEqual(said, [{ kind: "hello", version: PROTOCOL_VERSION, build: "" }]);
  });

test("a script of another origin that does not load: what its server and the policy must say", async (t) => {
  const { worker, port } = greeted(t, () => worker.crash());

  await assert.rejects(
    port,
    failure(
      "boot-failed",
      /Access-Control-Allow-Origin.* blob: .* https:\/\/shop\.example in script-src/,
    ),
  );
});

for (const [what, message, text] of /** @type {const} */ ([
  ["an error in the script", "SyntaxError: x", /an error in it \(SyntaxError: x\)/],
  ["a missing or blocked script", undefined, /a missing or blocked file/],
])) {
  test(`${what} ends the wait at once`, async (t) => {
    const { worker, timers, port } = greeted(t, () => worker.crash(message));

    await assert.rejects(port, failure("boot-failed", text));
    assert.deepEqual([worker.onmessage, worker.onerror, timers.waiting], [null, null, 0]);
  });
}

test("a worker that says nothing, or nothing we know, is not waited for longer than that", async (t) => {
  const spoke = new Promise((resolve) => {
    const { timers, port } = greeted(t, (scope) => {
      scope.postMessage("hello");
      scope.postMessage(null);
      scope.postMessage({ kind: "ready" });
      resolve({ timers, port });
    });
  });
  const { timers, port } = await spoke;

  timers.pass(100);

  await assert.rejects(port, failure("boot-timeout", /a greeting within 100 ms, got none/));
});

test("options that cannot be sent are the caller's mistake", async (t) => {
  const { worker, timers, port } = greeted(
    t,
    greeting(() => {}),
    { config: { onClick() {} } },
  );

  await assert.rejects(port, (/** @type {EdgeError} */ error) => {
    assert.ok(error instanceof EdgeError);
    assert.equal(error.code, "argument-invalid");
    return true;
  });
  assert.deepEqual([worker.onmessage, worker.onerror, timers.waiting], [null, null, 0]);
});
