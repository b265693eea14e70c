/** What a page calls, over fake workers and the few parts of a document it asks for. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { START, page } from "./fake-page.js";

/** @import { createEdge } from "../../js_shim/edge-api.js" */
/** @import { FakeWorker } from "./fake-worker.js" */
/** @import { Rpc } from "../../js_shim/rpc.js" */

const CODES = { systemCode: "demo", businessCode: "rank" };

test("start makes the addresses absolute, and a call right behind it boots the worker", async (t) => {
  const { edge, workers } = page(t, { handlers: { infer: () => ({ value: [1] }) } });

  const started = edge.start(START);
  const result = await edge.infer(CODES);

  assert.deepEqual(result, { value: [1] });
  assert.equal(await started, edge);
  assert.equal(workers.length, 1);
  assert.equal(workers[0].url, "https://shop.example/edge/runtime-worker.js");
  const { config, base, loadingMs } = workers[0].options;
  assert.deepEqual([config, base], ["https://shop.example/home/config.json", document.baseURI]);
  assert.ok(loadingMs >= 0);
});

for (const base of ["/other", "/other/"]) {
  test(`the base ${base} is a folder`, async (t) => {
    const { edge, workers } = page(t);

    const started = edge.start({ ...START, base });
    await edge.flush();
    await started;

    assert.equal(workers[0].url, "https://shop.example/other/runtime-worker.js");
  });
}

test("a bad address is refused before anything begins; a good one may follow", async (t) => {
  const { edge, workers } = page(t);

  await assert.rejects(
    edge.start({ ...START, config: "http://" }),
    /start\.config: expected a URL/,
  );
  await assert.rejects(edge.start({ ...START, base: "http://" }), /start\.base: expected a URL/);
  assert.equal(workers.length, 0);

  const started = edge.start(START);
  await edge.flush();
  await started;
});

test("an inline configuration is the one of the call's moment, and plain data", async (t) => {
  const { edge, workers } = page(t);
  const config = { systemCode: "demo", bundles: ["rank.edge"] };

  await assert.rejects(edge.start({ config: { f() {} } }), {
    code: "argument-invalid",
    details: { path: "start.config" },
  });
  const started = edge.start({ ...START, config });
  config.bundles = [];
  await edge.flush();
  await started;

  assert.deepEqual(workers[0].options.config, { systemCode: "demo", bundles: ["rank.edge"] });
});

test("without a start every call says so", async (t) => {
  const { edge } = page(t);

  for (const call of [edge.infer(CODES), edge.flush(), edge.get("k"), edge.put("k", 1)]) {
    await assert.rejects(call, { code: "runtime-stopped" });
  }
  await edge.stop();
});

test("events from before the boot arrive before the calls behind them", async (t) => {
  const { edge, heard } = page(t);
  edge.track({ type: "mta", pageId: "Early" });
  const started = edge.start(START);
  edge.track({ type: "mta", pageId: "Home", clickId: "buy", props: { sku: 1 } });

  await edge.flush();
  await started;

  assert.deepEqual(
    heard.map(([name]) => name),
    ["track", "flush"],
  );
  const [[id, ts, ...early], [nextId, , ...click]] = JSON.parse(heard[0][1].batch);
  assert.deepEqual(early, ["mta", "Early", null, 1, {}]);
  assert.deepEqual(click, ["mta", "Home", "buy", 0, { sku: 1 }]);
  assert.ok(id < nextId && Number.isInteger(ts));
});

test("a mistaken event is a warning, never an exception", async (t) => {
  const { edge } = page(t);
  /** @type {any[]} */
  const logs = [];
  edge.on("log", (log) => logs.push(log));

  edge.track(/** @type {any} */ ({ type: "mta" }));
  edge.track({ type: "mta", pageId: "Home", props: { big: 1n } });

  assert.equal(logs.length, 2);
  assert.deepEqual(
    logs.map(({ level }) => level),
    ["warning", "warning"],
  );
  assert.match(logs[0].message, /track\.pageId/);
});

test("an event too deep or too large costs itself alone, with a warning that names the limit", async (t) => {
  const { edge, heard } = page(t);
  /** @type {string[]} */
  const warnings = [];
  edge.on("log", ({ message }) => warnings.push(message));
  let deep = {};
  for (let n = 0; n < 100_000; n++) deep = { deep };
  edge.start(START).catch(() => {});

  const EVENT = { type: "mta", pageId: "Home" };
  edge.track({ ...EVENT, props: { n: 1 } });
  edge.track({ ...EVENT, props: deep });
  edge.track({ ...EVENT, props: JSON.parse('{"a":'.repeat(600) + "1" + "}".repeat(600)) });
  edge.track({ ...EVENT, props: { text: "x".repeat(16_384) } });
  edge.track({ ...EVENT, props: { n: 2 } });
  await edge.flush();

  const rows = JSON.parse(heard[0][1].batch);
  assert.deepEqual(
    rows.map((/** @type {any[]} */ row) => row[6]),
    [{ n: 1 }, { n: 2 }],
  );
  assert.equal(warnings.length, 3);
  for (const warning of warnings)
    assert.match(
      warning,
      /^event dropped: track\.props: expected at most 16 levels and 16384 bytes/,
    );
});

/** What each worker was told of a pause when it was started. @param {{options?: any}[]} workers */
const pauses = (workers) => workers.map(({ options }) => options.isPaused);

/**
 * Lose the worker and wait for the next one.
 * @param {ReturnType<typeof createEdge>} edge
 * @param {FakeWorker} worker
 */
function replaced(edge, worker) {
  const ready = new Promise((resolve) => {
    edge.on("status", ({ state }) => state === "ready" && resolve(undefined));
  });
  worker.crash("boom");
  return ready;
}

test("a pause is told to the worker that replaces a lost one", async (t) => {
  const { edge, workers } = page(t);
  edge.start(START).catch(() => {});
  await edge.pause();

  await replaced(edge, workers[0].worker);

  assert.deepEqual(pauses(workers), [false, true]);
});

test("a pause that was taken back is not", async (t) => {
  const { edge, workers } = page(t);
  edge.start(START).catch(() => {});
  await edge.pause();
  await edge.resume();

  await replaced(edge, workers[0].worker);

  assert.deepEqual(pauses(workers), [false, false]);
});

test("a pause that another page has overruled, or that was refused, is not", async (t) => {
  let isRefused = false;
  const pause = () => {
    if (isRefused) throw new EdgeError("runtime-stopped", "no");
    return {};
  };
  const { edge, workers, rpcs } = page(t, { handlers: { pause } });
  edge.start(START).catch(() => {});
  await edge.pause();
  rpcs[0].notify("overruled", {});
  await edge.get("until here");
  isRefused = true;
  await assert.rejects(edge.pause(), { code: "runtime-stopped" });

  await replaced(edge, workers[0].worker);

  assert.deepEqual(pauses(workers), [false, false]);
});

test("a stopped page holds no pause", async (t) => {
  const { edge, workers } = page(t);
  edge.start(START).catch(() => {});
  await edge.pause();
  await edge.stop();
  edge.start(START).catch(() => {});
  await edge.flush();

  assert.deepEqual(pauses(workers), [false, false]);
});

test("a configuration in force is told to the worker that replaces a lost one", async (t) => {
  const reconfigure = () => [{ code: "task-unknown" }];
  const { edge, workers, rpcs, heard } = page(t, { handlers: { reconfigure } });
  edge.start(START).catch(() => {});

  const problems = await edge.reconfigure("next.json");
  const config = { triggers: [] };
  rpcs[0].notify("reconfigured", { config });
  await edge.get("until here");
  await replaced(edge, workers[0].worker);

  assert.deepEqual(problems, [{ code: "task-unknown" }]);
  const asked = { config: "https://shop.example/home/next.json" };
  assert.deepEqual(heard[0], ["reconfigure", asked]);
  assert.deepEqual(
    workers.map(({ options }) => options.reconfigured),
    [undefined, config],
  );
});

test("a configuration that is none is refused on the page", async (t) => {
  const { edge, heard } = page(t);
  edge.start(START).catch(() => {});

  for (const bad of [5, null, "http://", { f() {} }])
    await assert.rejects(edge.reconfigure(/** @type {any} */ (bad)), {
      code: "argument-invalid",
      details: { path: "reconfigure.config" },
    });

  assert.deepEqual(heard, []);
});

test("a reload asks the worker and answers with what changed", async (t) => {
  const change = { changed: [{ taskName: "Rank", from: "1.0.0", to: null }], problems: [] };
  const { edge, heard } = page(t, { handlers: { reload: () => change } });
  await assert.rejects(edge.reload(), { code: "runtime-stopped" });
  edge.start(START).catch(() => {});

  assert.deepEqual(await edge.reload(), change);
  assert.deepEqual(heard, [["reload", {}]]);
});

test("a worker is told of VMs and profiles as the start asks for them", async (t) => {
  const { edge, workers } = page(t);
  for (const options of [{}, { vms: "auto", profile: true }, { vms: 0 }]) {
    edge.start(/** @type {any} */ ({ ...START, ...options })).catch(() => {});
    await edge.flush();
    await edge.stop();
  }

  assert.deepEqual(
    workers.map(({ options }) => ["vms" in options, options.vms, options.profile]),
    [
      [false, undefined, false],
      [true, "auto", true],
      [true, 0, false],
    ],
  );
});

test("a trace is kept where the start asks for it, and is text", async (t) => {
  const { edge, workers } = page(t, { handlers: { trace: () => "{}\n" } });
  edge.start({ ...START, trace: true }).catch(() => {});

  assert.equal(await edge.trace(), "{}\n");
  assert.equal(workers[0].options.trace, true);
});

test("a run that the next worker runs again is told once", async (t) => {
  const { edge, workers, rpcs } = page(t);
  /** @type {any[]} */
  const told = [];
  edge.on("result", (result) => told.push(result));
  edge.start(START).catch(() => {});
  await edge.flush();

  rpcs[0].notify("result", { runId: "Rank-e1", value: 1 });
  await edge.get("until here");
  await replaced(edge, workers[0].worker);
  rpcs[1].notify("result", { runId: "Rank-e1", value: 1 });
  rpcs[1].notify("result", { runId: "Rank-e2", value: 2 });
  await edge.get("until here");

  assert.deepEqual(
    told.map(({ runId }) => runId),
    ["Rank-e1", "Rank-e2"],
  );
});

test("an abort while the runtime boots ends the wait at once", async (t) => {
  const { edge, heard } = page(t, { onStart: () => {} });
  const stopped = assert.rejects(edge.start(START), { code: "runtime-stopped" });
  const controller = new AbortController();

  const cancelled = edge.infer({ ...CODES, signal: controller.signal });
  controller.abort();

  await assert.rejects(cancelled, { code: "run-cancelled" });
  await assert.rejects(edge.infer({ ...CODES, timeoutMs: 5 }), { code: "deadline-passed" });
  assert.deepEqual(heard, []);
  await edge.stop();
  await stopped;
});

test("an abort of a run is passed on under the call's id", async (t) => {
  const controller = new AbortController();
  const { edge, heard } = page(t, {
    handlers: {
      infer({ callId }) {
        if (callId === 1) return { value: null };
        controller.abort();
        return new Promise((resolve) => (release = resolve));
      },
      get: () => release({ value: "ended" }),
    },
  });
  /** @type {(value: unknown) => void} */
  let release = () => {};
  edge.start(START).catch(() => {});
  await edge.infer(CODES);

  const run = edge.infer({ ...CODES, signal: controller.signal });
  await new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
  await edge.get("until here");
  await run;

  assert.deepEqual(
    heard.find(([name]) => name === "cancel"),
    ["cancel", { callId: 2 }],
  );
});

test("data that a caller changes while the runtime boots is sent as it was", async (t) => {
  const { edge, heard } = page(t);
  const extData = { items: [1] };
  edge.start(START).catch(() => {});

  const run = edge.infer({ ...CODES, extData });
  extData.items.push(2);
  await run;

  assert.deepEqual(heard[0][1].extData, { items: [1] });
});

test("what cannot be sent is the caller's mistake, booting or ready", async (t) => {
  const { edge } = page(t);
  edge.start(START).catch(() => {});
  const bad = { ...CODES, extData: { f() {} } };

  await assert.rejects(edge.infer(bad), { code: "argument-invalid" });
  await edge.flush();
  await assert.rejects(edge.infer(bad), { code: "argument-invalid" });
  await assert.rejects(edge.put("k", undefined), { code: "argument-invalid" });
  await assert.rejects(edge.put("k", Symbol("x")), { code: "argument-invalid" });
});

test("a stop asks the worker first, and a start behind it waits for the end", async (t) => {
  const { edge, workers, heard } = page(t);
  const first = edge.start(START);
  await edge.flush();
  await first;

  const stopping = Promise.all([edge.stop(), edge.stop()]);
  const again = edge.start(START);
  await stopping;
  assert.deepEqual(heard.at(-1), ["stop", {}]);
  assert.ok(workers[0].worker.isTerminated);
  await edge.flush().catch(() => {});
  edge.track({ type: "mta", pageId: "Again" });
  await edge.flush();
  await again;

  assert.equal(workers.length, 2);
  assert.ok(heard.some(([name, { batch = "" }]) => name === "track" && batch.includes("Again")));
});

test("a stop behind a waiting start wins", async (t) => {
  const { edge, workers } = page(t);
  const first = edge.start(START);
  await edge.flush();
  await first;

  const before = edge.stop();
  const again = assert.rejects(edge.start(START), { code: "runtime-stopped" });
  await Promise.all([before, edge.stop(), again]);

  assert.equal(workers.length, 1);
  await assert.rejects(edge.flush(), { code: "runtime-stopped" });
});

test("a hidden page makes a ready runtime durable, and wakes no sleeping one", async (t) => {
  const { edge, workers, heard, document } = page(t);
  edge.start(START).catch(() => {});
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(workers.length, 0);
  await edge.get("k");

  document.dispatchEvent(new Event("visibilitychange"));
  await edge.get("k");

  assert.deepEqual(
    heard.map(([name]) => name).filter((name) => name === "flush"),
    ["flush"],
  );
});

/** @param {string} name @param {boolean} persisted */
const transition = (name, persisted) => Object.assign(new Event(name), { persisted });

test("a page that ends sends its last events; one that is frozen has no worker until it is back", async (t) => {
  const { edge, heard, document, window, workers } = page(t);
  edge.start(START).catch(() => {});
  await edge.get("k");

  edge.track({ type: "mta", pageId: "Home", clickId: "last" });
  window.dispatchEvent(transition("pagehide", false));
  await edge.get("still there");
  window.dispatchEvent(transition("pagehide", true));
  document.dispatchEvent(new Event("freeze"));
  edge.track({ type: "mta", pageId: "Home", clickId: "kept" });
  const waiting = edge.get("until then");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([workers.length, workers[0].worker.isTerminated], [1, true]);

  document.dispatchEvent(new Event("resume"));
  window.dispatchEvent(transition("pageshow", false));
  window.dispatchEvent(transition("pageshow", true));
  await waiting;

  const names = heard.map(([name]) => name);
  assert.deepEqual(names, ["get", "track", "get", "track", "get"]);
  assert.equal(workers.length, 2);
});

test("a page that is frozen while it boots begins when it is back", async (t) => {
  const { edge, window, workers } = page(t);
  const started = edge.start(START);
  const asked = edge.get("k");
  await Promise.resolve();
  window.dispatchEvent(transition("pagehide", true));
  await assert.rejects(asked, { code: "worker-lost" });

  window.dispatchEvent(transition("pageshow", true));
  await started;

  assert.deepEqual(
    workers.map(({ worker }) => worker.isTerminated),
    [true, false],
  );
});

test("a runtime that is stopped while its page is frozen stays so", async (t) => {
  const { edge, window, workers } = page(t);
  edge.start(START).catch(() => {});
  await edge.flush();
  window.dispatchEvent(transition("pagehide", true));
  const waiting = assert.rejects(edge.get("k"), { code: "runtime-stopped" });

  await edge.stop();
  window.dispatchEvent(transition("pageshow", true));

  await waiting;
  assert.equal(workers.length, 1);
});

test("erase and an unsaid encryption are the runtime's to decide", async (t) => {
  const { edge, heard } = page(t);
  edge.start(START).catch(() => {});

  await edge.put("k", 1);
  await edge.put("k", 1, { encrypted: false });
  await edge.erase();

  assert.deepEqual(heard, [
    ["put", { key: "k", value: 1 }],
    ["put", { key: "k", value: 1, encrypted: false }],
    ["erase", {}],
  ]);
});

test("statistics are frozen and know the page's own buffer", async (t) => {
  const { edge } = page(t, { handlers: { statistics: () => ({ uptimeMs: 5 }) } });
  edge.start(START).catch(() => {});

  const statistics = await edge.statistics();

  assert.ok(Object.isFrozen(statistics));
  assert.deepEqual(statistics, { uptimeMs: 5, page: { waiting: 0, dropped: 0, refused: 0 } });
});

test("a flush ends behind the last event before it, however slowly events are taken", async (t) => {
  /** @type {(() => void)[]} */
  const confirm = [];
  const { edge, heard } = page(t, {
    handlers: {
      track: () => new Promise((resolve) => confirm.push(() => resolve({}))),
      flush: () => confirm.splice(0).forEach((done) => done()),
    },
  });
  edge.start(START).catch(() => {});

  for (let n = 0; n < 5_500; n++) edge.track({ type: "mta", pageId: "Home", props: { n } });
  const flushed = edge.flush();
  await edge.get("k");
  for (let n = 0; n < 500; n++) edge.track({ type: "mta", pageId: "Home", props: { n } });
  await flushed;

  const last = heard.findLastIndex(([name]) => name === "flush");
  const sent = heard.slice(0, last).filter(([name]) => name === "track");
  const events = sent.flatMap(([, { batch }]) => JSON.parse(batch));
  assert.ok(events.length >= 5_500);
  assert.deepEqual(events[5_499].at(-1), { n: 5_499 });
  assert.equal((await edge.statistics()).page.dropped, 0);
});

test("of events that find no room exposures go before views and clicks", async (t) => {
  const { edge, heard } = page(t);

  for (let n = 0; n < 50_000; n++) edge.track({ type: "mta", pageId: "Home", clickId: "c" });
  for (let n = 0; n < 10_000; n++)
    edge.track({ type: "mta.exposure", pageId: "Home", clickId: "b" });
  for (let n = 0; n < 50_000; n++) edge.track({ type: "mta", pageId: "Home" });
  edge.start(START).catch(() => {});
  await edge.flush();

  const batches = heard.filter(([name]) => name === "track").map(([, { batch }]) => batch);
  const events = batches.flatMap((batch) => JSON.parse(batch));
  const exposures = events.filter(([, , type]) => type === "mta.exposure").length;
  assert.equal(events.length - exposures, 100_000);
  const { dropped } = (await edge.statistics()).page;
  assert.ok(dropped > 0);
  assert.equal(exposures + dropped, 10_000);
});

test("listeners of event and answer hear what the page tracks, and how its calls end", async (t) => {
  const outcomes = [{ value: [1] }, new EdgeError("queue-full", "full")];
  const infer = () => {
    const outcome = outcomes.shift();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const { edge } = page(t, { handlers: { infer } });
  edge.start(START);
  /** @type {any[]} */
  const events = [];
  /** @type {any[]} */
  const answers = [];
  edge.on("event", (body) => events.push(body));
  edge.on("answer", (body) => answers.push(body));

  edge.track({ type: "mta", pageId: "Home", clickId: "buy", props: { sku: 7 } });
  edge.track(/** @type {any} */ ({ type: "mta" }));
  const result = await edge.infer(CODES);
  await assert.rejects(edge.infer(CODES), { code: "queue-full" });

  const [{ id, ts, ...event }] = events;
  assert.equal(events.length, 1);
  assert.deepEqual(event, {
    ...{ type: "mta", pageId: "Home", clickId: "buy" },
    ...{ pv: false, props: { sku: 7 } },
  });
  assert.ok(id && ts > 0);
  assert.deepEqual(
    answers.map(({ businessCode, result, error }) => [businessCode, result, error?.code]),
    [
      ["rank", result, undefined],
      ["rank", undefined, "queue-full"],
    ],
  );
  assert.ok(answers.every(({ tookMs }) => tookMs >= 0));
});
