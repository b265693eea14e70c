/** A run that holds the ready worker behind its deadline: it ends with task-timeout, all else as when a worker is lost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, hanging, status, supervised } from "./supervised.js";

/** @import { RunWord } from "../../js_shim/protocol.js" */

/** So little that mere silence is not what is noticed. */
const LEFT_MS = 4;
const BLOCKED_MS = LEFT_MS + 2 * LIMITS.graceMs;
const RUN = { runId: "r1", taskName: "Sum", leftMs: LEFT_MS };

/**
 * A worker that one call has reached and that says nothing any more, but whose run this is.
 * @param {import("node:test").TestContext} t
 * @param {RunWord} run
 */
async function blocked(t, run) {
  const { handlers, asked } = hanging();
  const around = supervised(t, { handlers });
  const { supervisor, lives, next } = around;
  const call = supervisor.call("hang", { callId: 3 });
  const other = supervisor.call("hang", { callId: 4 });
  const nameless = supervisor.call("hang", {});
  for (const each of [call, other, nameless]) each.catch(() => {});
  await asked;
  const told = next((name) => name === "log");
  lives[0].rpc?.notify("run", run);
  lives[0].rpc?.notify("log", { level: "debug", message: "behind it" });
  await told;
  return { ...around, call, other, nameless };
}

test("its call is rejected with task-timeout, the others with worker-lost", async (t) => {
  const { call, other, nameless, timers, lives, next, supervisor } = await blocked(t, {
    ...RUN,
    callId: 3,
    isOwn: true,
  });

  timers.pass(BLOCKED_MS - 1);
  assert.equal(supervisor.state, "ready");
  timers.pass(1);

  await assert.rejects(call, { code: "task-timeout", message: /run of Sum/ });
  await assert.rejects(other, { code: "worker-lost", message: /run r1 of Sum/ });
  await assert.rejects(nameless, { code: "worker-lost" });
  assert.ok(lives[0].worker.isTerminated);
  const ready = next(status("ready"));
  timers.pass(LIMITS.backoffMs);
  await ready;
  assert.equal(lives.length, 2);
});

test("a task that held two workers is told to the third, and to no later one", async (t) => {
  const { supervisor, lives, timers, next } = supervised(t, { options: (struck) => ({ struck }) });
  await supervisor.wake();
  for (const restart of [1, 2]) {
    const told = next((name) => name === "log");
    lives.at(-1)?.rpc?.notify("run", RUN);
    lives.at(-1)?.rpc?.notify("log", { level: "debug", message: "behind it" });
    await told;
    timers.pass(BLOCKED_MS);
    const ready = next(status("ready"));
    timers.pass(LIMITS.backoffMs * 4 ** (restart - 1));
    await ready;
  }
  timers.pass(LIMITS.restartWindowMs);
  const lost = next(status("ready"));
  lives.at(-1)?.worker.crash("a crash of its own");
  timers.pass(LIMITS.backoffMs);
  await lost;

  assert.deepEqual(
    lives.map(({ options }) => options.struck),
    [[], [], ["Sum"], []],
  );
});

test("a run of an event of this page is told as an error", async (t) => {
  const { call, timers, said } = await blocked(t, { ...RUN, isOwn: true });

  timers.pass(BLOCKED_MS);

  await assert.rejects(call, { code: "worker-lost" });
  const [{ body }, ...more] = said.filter(({ name }) => name === "error");
  assert.deepEqual([body.runId, body.taskName, more], ["r1", "Sum", []]);
  assert.equal(body.error.code, "task-timeout");
});

for (const callId of [3, undefined])
  test(`of another page's run (call: ${callId}) nobody is told here`, async (t) => {
    const { call, timers, said } = await blocked(t, { ...RUN, callId, isOwn: false });

    timers.pass(BLOCKED_MS);

    await assert.rejects(call, { code: "worker-lost" });
    assert.ok(said.every(({ name }) => name !== "error"));
  });

test("what the code prints is no sign of life, what the worker answers is", async (t) => {
  const { call, timers, lives, next, supervisor } = await blocked(t, {
    ...RUN,
    callId: 3,
    isOwn: true,
  });
  /** @param {string} name @param {any} body */
  async function says(name, body) {
    const heard = next((each, { message }) => each === "log" && message === "heard");
    lives[0].rpc?.notify(name, body);
    lives[0].rpc?.notify("log", { level: "info", message: "heard" });
    await heard;
  }

  timers.pass(BLOCKED_MS - 1);
  await says("pong", {});
  timers.pass(LIMITS.pingMs + LIMITS.lookMs + LIMITS.graceMs - 1);
  assert.equal(supervisor.state, "ready");
  // Asked again, it does not answer.
  timers.pass(1);
  await assert.rejects(call, { code: "task-timeout" });
});

test("a worker whose code prints behind its deadline is replaced all the same", async (t) => {
  const { call, timers, lives, next } = await blocked(t, { ...RUN, callId: 3, isOwn: true });

  timers.pass(BLOCKED_MS - 1);
  const heard = next((name) => name === "log");
  lives[0].rpc?.notify("log", { level: "info", message: "still here" });
  await heard;
  timers.pass(1);

  await assert.rejects(call, { code: "task-timeout" });
});
