/** A ready worker that crashes or hangs: who hears what, and when another one comes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { LIMITS, hanging, status, supervised } from "./supervised.js";

/** @import { TestContext } from "node:test" */

test("a crash rejects what is outstanding and brings another worker after a pause", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, timers, lives, connections, next, said } = supervised(t, {
    handlers: { ...handlers, get: () => "alive" },
  });
  const lost = supervisor.call("hang", {});
  await asked;

  lives[0].worker.crash("RuntimeError: unreachable");

  await assert.rejects(lost, {
    code: "worker-lost",
    message: /RuntimeError: unreachable.*may have taken effect/,
  });
  assert.ok(lives[0].worker.isTerminated);
  assert.equal(connections.at(-1), undefined);
  assert.deepEqual([supervisor.state, lives.length], ["booting", 1]);
  assert.equal(said.findLast(({ name }) => name === "log")?.body.level, "error");
  const ready = next(status("ready"));
  timers.pass(LIMITS.backoffMs);
  await ready;
  assert.equal(await supervisor.call("get", {}), "alive");
  assert.equal(lives.length, 2);
  assert.ok(connections.at(-1));
});

test("calls made between two workers wait for the next", async (t) => {
  const { supervisor, timers, lives } = supervised(t, { handlers: { get: () => "alive" } });
  await supervisor.wake();

  lives[0].worker.crash("gone");
  const waiting = supervisor.call("get", {});
  timers.pass(LIMITS.backoffMs);

  assert.equal(await waiting, "alive");
});

/**
 * Lose the ready worker and wait for the next.
 * @param {ReturnType<typeof supervised>} around
 */
async function loseOnce({ lives, timers, next }) {
  const ready = next(status("ready"));
  lives.at(-1)?.worker.crash("again");
  timers.pass(LIMITS.backoffMs * 4);
  await ready;
}

test("a ready worker that gives up ends the runtime with its reason", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, lives, next, states } = supervised(t, { handlers });
  const waiting = supervisor.call("hang", {});
  await asked;

  const failed = next(status("failed"));
  const error = new EdgeError("network-failed", "offline at the takeover").toPlain();
  lives[0].rpc?.notify("status", { state: "failed", error });

  assert.equal((await failed).error.code, "network-failed");
  await assert.rejects(waiting, { code: "network-failed" });
  await assert.rejects(supervisor.call("get", {}), { code: "network-failed" });
  assert.ok(lives[0].worker.isTerminated);
  assert.deepEqual(states(), ["booting", "ready", "failed"]);
});

test("a change of role disturbs nothing", async (t) => {
  const { supervisor, lives, next, connections } = supervised(t, { handlers: { get: () => 1 } });
  await supervisor.wake();

  const told = next(status("role"));
  lives[0].rpc?.notify("status", { state: "role", role: "writer" });

  assert.equal((await told).role, "writer");
  assert.deepEqual([supervisor.state, await supervisor.call("get", {})], ["ready", 1]);
  assert.equal(connections.length, 1);
});

test("after too many losses it stays off and says so", async (t) => {
  const around = supervised(t);
  const { supervisor, lives, said } = around;
  await supervisor.wake();
  for (let n = 0; n < LIMITS.restarts; n += 1) await loseOnce(around);

  lives.at(-1)?.worker.crash("once more");

  assert.equal(supervisor.state, "failed");
  assert.equal(said.at(-1)?.body.error.code, "worker-lost");
  await assert.rejects(supervisor.call("get", {}), { code: "worker-lost", message: /reload/ });
  assert.equal(lives.length, 1 + LIMITS.restarts);
  assert.ok(lives.every(({ worker }) => worker.isTerminated));
});

test("losses far apart are forgiven", async (t) => {
  const around = supervised(t);
  await around.supervisor.wake();

  for (let n = 0; n < 3 * LIMITS.restarts; n += 1) {
    await loseOnce(around);
    around.timers.pass(LIMITS.restartWindowMs);
  }

  assert.equal(around.supervisor.state, "ready");
});

test("a second worker that cannot boot ends in failed", async (t) => {
  let starts = 0;
  const { supervisor, lives, timers } = supervised(t, {
    onStart: (rpc) =>
      (starts += 1) === 1
        ? rpc.notify("status", { state: "ready" })
        : lives[1].worker.crash("no more memory"),
  });
  await supervisor.wake();

  lives[0].worker.crash("gone");
  const waiting = supervisor.call("get", {});
  timers.pass(LIMITS.backoffMs);

  await assert.rejects(waiting, { code: "boot-failed" });
  assert.equal(supervisor.state, "failed");
});

test("a worker that hangs is replaced while someone waits for it", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, timers, lives } = supervised(t, { handlers });
  const lost = supervisor.call("hang", {});
  await asked;

  timers.pass(LIMITS.silenceMs + 2 * LIMITS.pingMs);

  await assert.rejects(lost, { code: "worker-lost", message: /did not answer/ });
  assert.ok(lives[0].worker.isTerminated);
});

test("a worker that works long but answers is kept", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, timers, lives, next } = supervised(t, {
    handlers,
    onNotice(name) {
      // `pong` is not told to the page: the word behind it shows that it has arrived.
      if (name !== "ping") return;
      lives[0].rpc?.notify("pong", {});
      lives[0].rpc?.notify("log", { level: "debug", message: "after the pong" });
    },
  });
  supervisor.call("hang", {}).catch(() => {});
  await asked;

  for (let n = 0; n < 10; n += 1) {
    const answered = next((name) => name === "log");
    timers.pass(LIMITS.pingMs);
    await answered;
  }

  assert.equal(supervisor.state, "ready");
  assert.equal(lives.length, 1);
});

test("a worker that answers others is kept, however late it gets to the question", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, timers, lives } = supervised(t, {
    handlers: { ...handlers, get: () => 1 },
  });
  supervisor.call("hang", {}).catch(() => {});
  await asked;

  for (let n = 0; n < 10; n += 1) {
    timers.pass(LIMITS.pingMs);
    await supervisor.call("get", {});
  }

  assert.equal(lives.length, 1);
});

test("an idle worker is left in peace, however long", async (t) => {
  /** @type {string[]} */
  const heard = [];
  const { supervisor, timers, lives } = supervised(t, {
    handlers: { get: () => heard },
    onNotice: (name) => heard.push(name),
  });
  await supervisor.wake();

  timers.pass(100 * LIMITS.silenceMs);

  assert.deepEqual(await supervisor.call("get", {}), []);
  assert.equal(lives.length, 1);
});

test("a stop rejects what is outstanding with runtime-stopped and ends the worker", async (t) => {
  const { handlers, asked } = hanging();
  const { supervisor, lives, connections, timers, states } = supervised(t, { handlers });
  const outstanding = supervisor.call("hang", {});
  await asked;

  supervisor.stop();

  await assert.rejects(outstanding, { code: "runtime-stopped" });
  await assert.rejects(supervisor.call("get", {}), { code: "runtime-stopped" });
  assert.ok(lives[0].worker.isTerminated);
  assert.equal(connections.at(-1), undefined);
  assert.deepEqual(states(), ["booting", "ready", "stopped"]);
  timers.pass(LIMITS.restartWindowMs);
  assert.deepEqual([lives.length, timers.waiting], [1, 0]);
});

test("a stop in the pause before another worker: none comes", async (t) => {
  const { supervisor, lives, timers } = supervised(t);
  await supervisor.wake();

  lives[0].worker.crash("gone");
  const waiting = supervisor.call("get", {});
  supervisor.stop();

  await assert.rejects(waiting, { code: "runtime-stopped" });
  timers.pass(LIMITS.restartWindowMs);
  assert.deepEqual([lives.length, supervisor.state], [1, "stopped"]);
});

test("a listener may stop it when it hears of the loss: it stays stopped", async (t) => {
  const { supervisor, lives, timers, states } = supervised(t, {
    onEmit: (name) => name === "log" && supervisor.stop(),
  });
  await supervisor.wake();

  lives[0].worker.crash("gone");
  timers.pass(LIMITS.restartWindowMs);

  assert.deepEqual([supervisor.state, lives.length], ["stopped", 1]);
  assert.deepEqual(states(), ["booting", "ready", "stopped"]);
});
