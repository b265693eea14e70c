/** Requests on their way to whoever writes: in order, answered once, sent again when the writer changes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createRelay } from "../../js_shim/relay.js";
import { createHandTimers } from "./hand-timers.js";

/** @typedef {{method: string, params: any, resolve: (value: unknown) => void, reject: (error: unknown) => void}} Asked */

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A way whose requests the test answers by hand. */
function writer() {
  /** @type {Asked[]} */
  const asked = [];
  /** @type {number[]} */
  const cancelled = [];
  return {
    asked,
    cancelled,
    methods: () => asked.map(({ method, params }) => `${method} ${params.key ?? params.callId}`),
    way: {
      /** @param {string} method @param {any} params */
      call: (method, params) =>
        new Promise((resolve, reject) => asked.push({ method, params, resolve, reject })),
      cancel: (/** @type {number} */ callId) => void cancelled.push(callId),
    },
  };
}

/** @param {Parameters<typeof createRelay>[0]} [options] */
function relayed(options = {}) {
  const timers = createHandTimers();
  return { timers, relay: createRelay({ timers, ...options }) };
}

test("requests wait for a way, leave in order, and get its answers", async () => {
  const { relay } = relayed();
  const { way, asked, methods } = writer();

  const one = relay.call("put", { key: "a" });
  const two = relay.call("get", { key: "a" });
  relay.connect(way);
  const three = relay.call("get", { key: "b" });
  assert.deepEqual(methods(), ["put a", "get a", "get b"]);
  asked[2].resolve("third");
  asked[0].resolve("first");
  asked[1].reject(new EdgeError("storage-full", "no room"));

  assert.deepEqual([await one, await three], ["first", "third"]);
  await assert.rejects(two, { code: "storage-full" });
  assert.equal(relay.outstanding, 0);
});

test("the next writer is told which events a lost one may have had", async () => {
  const { relay } = relayed();
  const [lost, next] = [writer(), writer()];
  relay.connect(lost.way);
  relay.call("track", { batch: "had" });
  relay.call("put", { key: "k" });
  relay.connect(undefined);
  relay.call("track", { batch: "new" });

  relay.connect(next.way);

  assert.deepEqual(
    next.asked.map(({ params }) => params),
    [{ batch: "had", isAgain: true }, { key: "k" }, { batch: "new" }],
  );
  assert.deepEqual(lost.asked[0].params, { batch: "had" });
});

test("what a lost writer did not answer is sent again, before what came later", async () => {
  const { relay } = relayed();
  const [lost, next] = [writer(), writer()];
  relay.connect(lost.way);
  const puts = ["a", "b", "c"].map((key) => relay.call("put", { key }));
  lost.asked[1].resolve("b was kept");
  await puts[1];

  relay.connect(undefined);
  relay.call("put", { key: "d" });
  relay.connect(next.way);

  assert.deepEqual(next.methods(), ["put a", "put c", "put d"]);
  next.asked[0].resolve("a was kept");
  lost.asked[2].resolve("too late");
  next.asked[1].resolve("c was kept");
  assert.deepEqual(await Promise.all(puts), ["a was kept", "b was kept", "c was kept"]);
});

test("an answer that the former way still gives counts until there is another", async () => {
  const { relay } = relayed();
  const [former, next] = [writer(), writer()];
  relay.connect(former.way);
  const put = relay.call("put", { key: "a" });

  relay.connect(undefined);
  former.asked[0].resolve("kept by its stop");

  assert.equal(await put, "kept by its stop");
  relay.connect(next.way);
  assert.deepEqual(next.asked, []);
});

for (const code of /** @type {const} */ (["runtime-stopped", "writer-superseded"])) {
  test(`${code} is no answer: the next writer gives one`, async () => {
    const { relay } = relayed();
    const [former, next] = [writer(), writer()];
    relay.connect(former.way);
    const put = relay.call("put", { key: "a" });
    const run = relay.call("infer", { callId: 1 });

    for (const { reject } of former.asked) reject(new EdgeError(code, "over"));
    await assert.rejects(run, { code: "worker-lost" });
    relay.connect(next.way);
    next.asked[0].resolve("kept");

    assert.equal(await put, "kept");
    assert.deepEqual(next.methods(), ["put a"]);
  });
}

test("an infer is sent once: unanswered it may have taken effect", async () => {
  const { relay } = relayed();
  const [lost, next] = [writer(), writer()];
  relay.connect(lost.way);
  const run = relay.call("infer", { callId: 1 });

  relay.connect(undefined);
  const later = relay.call("infer", { callId: 2 });
  await assert.rejects(run, { code: "worker-lost", message: /may have taken effect/ });
  relay.connect(next.way);

  assert.deepEqual(next.methods(), ["infer 2"]);
  next.asked[0].resolve("ran");
  assert.equal(await later, "ran");
});

test("a cancelled infer is passed on; one that still waits ends here", async () => {
  const { relay } = relayed();
  const { way, cancelled, asked } = writer();
  const waiting = relay.call("infer", { callId: 1 });
  relay.cancel(1);
  await assert.rejects(waiting, { code: "run-cancelled" });

  relay.connect(way);
  relay.call("infer", { callId: 2 });
  relay.cancel(2);
  relay.cancel(3);
  assert.deepEqual([cancelled, asked.length], [[2], 1]);
});

test("an infer's time runs while it waits for a writer", async () => {
  const { relay, timers } = relayed();
  const { way, asked } = writer();
  const late = relay.call("infer", { callId: 1, timeoutMs: 100 });
  relay.call("infer", { callId: 2, timeoutMs: 500 });

  timers.pass(100);
  await assert.rejects(late, { code: "deadline-passed" });
  relay.connect(way);

  assert.deepEqual(
    asked.map(({ params }) => params),
    [{ callId: 2, timeoutMs: 400 }],
  );
  assert.equal(timers.waiting, 0);
});

test("more than so many do not wait", async () => {
  const { relay } = relayed({ capacity: 2 });
  const { way, methods } = writer();
  for (const key of ["a", "b"]) relay.call("put", { key });

  await assert.rejects(relay.call("put", { key: "c" }), { code: "queue-full" });
  relay.connect(way);
  relay.call("put", { key: "d" });
  await nextTurn();

  assert.deepEqual(methods(), ["put a", "put b", "put d"]);
});

/** A relay whose page's pause was answered by a writer that is lost since. */
async function paused() {
  const { relay } = relayed();
  const lost = writer();
  relay.connect(lost.way);
  const pause = relay.call("pause", {});
  lost.asked[0].resolve({});
  await pause;
  const track = relay.call("track", { key: "e1" });
  relay.connect(undefined);
  return { relay, track };
}
const names = (/** @type {Asked[]} */ asked) => asked.map(({ method }) => method);

test("a pause is told to each next writer, before what is sent again", async () => {
  const { relay, track } = await paused();
  const [second, third] = [writer(), writer()];

  relay.connect(second.way);
  second.asked[0].reject(new EdgeError("writer-superseded", "over"));
  relay.connect(third.way);
  third.asked[1].resolve("kept");

  assert.equal(await track, "kept");
  for (const { asked } of [second, third]) assert.deepEqual(names(asked), ["pause", "track"]);
  assert.equal(relay.outstanding, 0);
});

test("a resume takes the pause back once it is answered; until then both are told, in order", async () => {
  const { relay } = await paused();
  const [second, third] = [writer(), writer()];
  const resume = relay.call("resume", {});

  relay.connect(second.way);
  assert.deepEqual(names(second.asked), ["pause", "track", "resume"]);
  second.asked[2].resolve({});
  await resume;
  relay.connect(third.way);

  assert.deepEqual(names(third.asked), ["track"]);
});

test("a pause that was overruled is told to nobody", async () => {
  const { relay } = await paused();
  const next = writer();

  relay.yieldPause();
  relay.connect(next.way);

  assert.deepEqual(names(next.asked), ["track"]);
});

test("an unanswered pause keeps its place among the others", async () => {
  const { relay } = relayed();
  const [lost, next] = [writer(), writer()];
  relay.connect(lost.way);
  relay.call("track", { key: "e1" });
  relay.call("pause", {});

  relay.connect(next.way);

  assert.deepEqual(names(next.asked), ["track", "pause"]);
});

test("a worker that replaces another begins with its page's pause", () => {
  const { relay } = relayed({ isPaused: true });
  const { way, asked } = writer();
  relay.call("get", { key: "a" });

  relay.connect(way);

  assert.deepEqual(names(asked), ["pause", "get"]);
});
