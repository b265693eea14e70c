/** From the first call to a ready worker, and every way that can end instead. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { greeting } from "./fake-worker.js";
import { BOOT, URL_OF_SCRIPT, becomeReady, status, supervised } from "./supervised.js";

const silent = () => {};

test("nothing happens before it is woken; then the worker gets its options and is ready", async (t) => {
  const { supervisor, lives, connections, said } = supervised(t, {
    options: () => ({ config: { triggers: [] } }),
    onStart(rpc) {
      rpc.notify("status", { state: "booting", step: "python" });
      becomeReady(rpc);
    },
  });
  assert.deepEqual([supervisor.state, lives.length, said], ["idle", 0, []]);

  const rpc = await supervisor.wake();

  assert.equal(supervisor.state, "ready");
  assert.deepEqual(lives[0].options, { config: { triggers: [] } });
  assert.deepEqual(connections, [rpc]);
  assert.deepEqual(
    said.map(({ body }) => body),
    [
      { state: "booting", step: "worker" },
      { state: "booting", step: "python" },
      { state: "ready", boot: BOOT, problems: [] },
    ],
  );
});

test("calls wake it, share one boot, and are answered", async (t) => {
  const { supervisor, lives } = supervised(t, {
    handlers: { get: ({ key }) => `value of ${key}` },
  });

  const values = await Promise.all(["a", "b"].map((key) => supervisor.call("get", { key })));

  assert.deepEqual(values, ["value of a", "value of b"]);
  assert.equal(lives.length, 1);
});

test("a listener that calls while it hears of the boot joins the same boot", async (t) => {
  /** @type {Promise<unknown>[]} */
  const calls = [];
  const { supervisor, lives } = supervised(t, {
    handlers: { get: () => "value" },
    onEmit: (_name, { state }) => state !== "stopped" && calls.push(supervisor.call("get", {})),
  });

  await supervisor.wake();

  assert.deepEqual(new Set(await Promise.all(calls)), new Set(["value"]));
  assert.equal(lives.length, 1);
});

test("notices reach a ready worker only", async (t) => {
  /** @type {unknown[]} */
  const heard = [];
  const { supervisor } = supervised(t, {
    handlers: { get: () => heard },
    onNotice: (name, body) => heard.push([name, body]),
  });
  supervisor.notify("cancel", { callId: 1 });
  await supervisor.wake();

  supervisor.notify("cancel", { callId: 2 });

  assert.deepEqual(await supervisor.call("get", {}), [["cancel", { callId: 2 }]]);
});

/**
 * A boot that must fail: everyone who waits hears the same, the page lives, the worker does not.
 * @param {ReturnType<typeof supervised>} around
 * @param {string} code
 * @param {RegExp} text
 */
async function assertFails({ supervisor, lives, said, connections, states }, code, text) {
  const settled = await Promise.allSettled([supervisor.wake(), supervisor.call("get", {})]);

  const [first, second] = settled.map((one) => one.status === "rejected" && one.reason);
  assert.ok(first instanceof EdgeError, String(first));
  assert.equal(first.code, code);
  assert.match(first.message, text);
  assert.equal(second, first);
  assert.equal(supervisor.state, "failed");
  assert.deepEqual(states(), ["booting", "failed"]);
  assert.deepEqual(said.at(-1)?.body.error, first.toPlain());
  assert.ok(lives.every(({ worker }) => worker.isTerminated));
  assert.ok(connections.every((rpc) => rpc === undefined));
  await assert.rejects(supervisor.wake(), first);
  assert.equal(lives.length <= 1, true);
}

test("a script that is missing or broken: boot-failed", async (t) => {
  const around = supervised(t, { script: () => around.lives[0].worker.crash() });

  await assertFails(around, "boot-failed", /missing or blocked file/);
});

test("a worker that cannot even be made: boot-failed", async (t) => {
  const around = supervised(t, {
    /** @returns {(scope: unknown) => void} */
    get script() {
      throw new DOMException("another origin", "SecurityError");
    },
  });

  await assertFails(around, "boot-failed", /expected a worker, got SecurityError: another origin/);
});

test("options that cannot be made or sent: the caller's mistake, and no worker stays", async (t) => {
  const unsendable = supervised(t, { options: () => ({ config: { f() {} } }) });
  await assertFails(unsendable, "argument-invalid", /expected plain data/);

  const unmakeable = supervised(t, {
    options() {
      throw new EdgeError("argument-invalid", "start.config: expected a URL");
    },
  });
  await assertFails(unmakeable, "argument-invalid", /start\.config/);
});

test("a worker of another version: version-mismatch", async (t) => {
  const around = supervised(t, { script: greeting(silent, 99) });

  await assertFails(around, "version-mismatch", /expected protocol version 4, got 99/);
});

test("a worker that never greets: boot-timeout", async (t) => {
  const around = supervised(t, { script: () => setImmediate(() => around.timers.pass(100)) });

  await assertFails(around, "boot-timeout", /a greeting within 100 ms/);
});

test("a worker that greets and then is not heard: boot-timeout, as soon as one that never greets", async (t) => {
  const around = supervised(t, { onStart: () => setImmediate(() => around.timers.pass(100)) });

  await assertFails(around, "boot-timeout", /word within 100 ms.*hold messages/);
});

test("a boot that never ends: boot-timeout", async (t) => {
  const around = supervised(t, {
    onStart: (rpc) => rpc.notify("status", { state: "booting", step: "python" }),
    onEmit: (_name, { step }) => step === "python" && around.timers.pass(1_000),
  });

  await assertFails(around, "boot-timeout", /word within 1000 ms/);
});

test("a boot that goes on may take longer than each of its steps", async (t) => {
  const step = { state: "booting", step: "core" };
  const { supervisor, lives, timers, next } = supervised(t, { onStart: (rpc) => say(rpc) });
  const say = (/** @type {any} */ rpc) => rpc.notify("status", step);
  const isStep = (/** @type {string} */ _, /** @type {any} */ body) => body.step === "core";

  const heard = next(isStep);
  const woken = supervisor.wake();
  await heard;
  for (let n = 0; n < 3; n++) {
    timers.pass(900);
    const again = next(isStep);
    say(lives[0].rpc);
    await again;
  }
  becomeReady(/** @type {any} */ (lives[0].rpc));

  await woken;
  assert.equal(supervisor.state, "ready");
});

test("a boot that says why it failed: its own error", async (t) => {
  const error = new EdgeError("feature-missing", "WebAssembly: expected permission").toPlain();
  const around = supervised(t, {
    onStart: (rpc) => rpc.notify("status", { state: "failed", error }),
  });

  await assertFails(around, "feature-missing", /expected permission/);
});

test("a crash while booting: boot-failed", async (t) => {
  const around = supervised(t, { onStart: () => around.lives[0].worker.crash("out of memory") });

  await assertFails(around, "boot-failed", /runtime-worker\.js.*out of memory/);
  assert.ok(URL_OF_SCRIPT.endsWith("runtime-worker.js"));
});

for (const [when, key] of /** @type {const} */ ([
  ["before the greeting", "script"],
  ["while it boots", "onStart"],
])) {
  test(`a stop ${when} ends the worker and everyone's wait`, async (t) => {
    /** @type {(value?: unknown) => void} */
    let reached = () => {};
    const there = new Promise((resolve) => (reached = resolve));
    const { supervisor, lives, states, timers } = supervised(t, { [key]: () => reached() });
    const waiting = Promise.allSettled([supervisor.wake(), supervisor.call("get", {})]);
    await there;

    supervisor.stop();
    supervisor.stop();

    for (const one of await waiting) {
      assert.equal(one.status === "rejected" && one.reason.code, "runtime-stopped");
    }
    assert.ok(lives[0].worker.isTerminated);
    assert.deepEqual([supervisor.state, states()], ["stopped", ["booting", "stopped"]]);
    timers.pass(1_000);
    assert.equal(lives.length, 1);
  });
}

test("a stop right behind the first call: no worker is made", async (t) => {
  const { supervisor, lives } = supervised(t);
  const waiting = supervisor.wake();

  supervisor.stop();

  await assert.rejects(waiting, { code: "runtime-stopped" });
  assert.equal(lives.length, 0);
});

test("a listener may stop it at the first word: no worker is made", async (t) => {
  const { supervisor, lives, states } = supervised(t, {
    onEmit: (name, body) => status("booting")(name, body) && supervisor.stop(),
  });

  await assert.rejects(supervisor.wake(), { code: "runtime-stopped" });

  assert.deepEqual([lives.length, supervisor.state], [0, "stopped"]);
  assert.deepEqual(states(), ["booting", "stopped"]);
});
