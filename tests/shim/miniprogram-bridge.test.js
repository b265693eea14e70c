/** Messages to a mini-program: what `send` promises is what the host gets, on time and bounded. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createBridge } from "../../js_shim/miniprogram/bridge.js";
import { createHandTimers } from "./hand-timers.js";
import { UA, createApi, createPage, settled } from "./miniprogram-page.js";

/** @import { BridgeLimits } from "../../js_shim/miniprogram/bridge.js" */

const WECHAT = { ua: UA.wechat, WeixinJSBridge: {} };

/**
 * @param {Parameters<typeof createPage>[0]} parts
 * @param {Partial<BridgeLimits>} [limits]
 */
function bridged(parts, limits) {
  const timers = createHandTimers();
  const page = createPage(parts);
  /** @type {string[]} */
  const warnings = [];
  const warn = (/** @type {string} */ message) => void warnings.push(message);
  const bridge = createBridge({ window: page.window, timers, warn, limits });
  return { ...page, timers, warnings, bridge };
}

/** @param {Partial<BridgeLimits>} [limits] */
function inWechat(limits) {
  const { posted, globals, api } = createApi("wx.miniProgram");
  return { ...bridged({ ...WECHAT, ...globals }, limits), posted, api };
}

/** @param {any[]} posted */
const bodies = (posted) => posted.map(({ data }) => data.body);

for (const [name, parts, path] of /** @type {const} */ ([
  ["wechat", WECHAT, "wx.miniProgram"],
  ["jd", { ua: UA.jd, JDJSBridge: {} }, "jd.miniProgram"],
  ["baidu", { ua: UA.baidu }, "swan.webView"],
  ["douyin", { ua: UA.douyin }, "tt.miniProgram"],
])) {
  test(`${name}: messages are for the exit, and the host has them soon`, async () => {
    const { posted, globals } = createApi(path);
    const { bridge, timers } = bridged({ ...parts, ...globals });

    assert.equal(bridge.send("result", { n: 1 }), "on-exit");
    assert.equal(posted.length, 0);
    timers.pass(500);

    const [{ data }] = posted;
    assert.deepEqual(
      { v: data.v, type: data.type, body: data.body, id: typeof data.id, ts: typeof data.ts },
      { v: 1, type: "result", body: { n: 1 }, id: "string", ts: "number" },
    );
  });
}

test("alipay: the host has it at once", async () => {
  const { posted, globals } = createApi("my");
  const { bridge } = bridged({ ua: UA.alipay, ...globals });

  assert.equal(bridge.send("result", 1), "live");
  assert.equal(posted[0].body, 1);
});

for (const [where, parts] of /** @type {const} */ ([
  ["a plain browser", { ua: UA.desk }],
  ["a plain page of an app", { ua: UA.silentWechat, WeixinJSBridge: {} }],
])) {
  test(`${where}: nothing is promised, nothing kept`, async () => {
    const { posted, globals } = createApi("wx.miniProgram");
    const { bridge, timers, hide } = bridged({ ...parts, ...globals });
    timers.pass(300);
    await bridge.ready;

    assert.equal(bridge.send("result", 1), "none");
    timers.pass(1_000);
    hide();
    assert.equal(posted.length, 0);
  });
}

test("a bridge that comes late gets what was kept; nothing was promised before", async () => {
  const { posted, globals } = createApi("wx.miniProgram");
  const { bridge, timers, bridgeComes } = bridged({ ua: UA.wechat, ...globals });
  assert.equal(bridge.send("result", "early"), "none");
  timers.pass(2_000);
  await settled();
  assert.equal(posted.length, 0);

  bridgeComes("WeixinJSBridge", "WeixinJSBridgeReady");
  timers.pass(300);
  await settled();

  assert.deepEqual(bodies(posted), ["early"]);
  assert.equal(bridge.send("result", "late"), "on-exit");
});

test("a bridge that never comes: promises none, keeps the latest few", async () => {
  const { posted, globals } = createApi("wx.miniProgram");
  const { bridge, timers, warnings, hide } = bridged(
    { ua: UA.wechat, ...globals },
    { messages: 2 },
  );
  for (const n of [1, 2, 3]) assert.equal(bridge.send("result", n), "none");
  timers.pass(60_000);
  hide();
  await settled();

  assert.equal(posted.length, 0);
  assert.match(warnings[0], /^result .*: dropped for newer ones\.$/);
});

test("what the host has said once, a later silence does not take back", async () => {
  let answers = 1;
  const { globals } = createApi("wx.miniProgram", {
    getEnv: (/** @type {(env: any) => void} */ tell) =>
      answers-- > 0 && tell({ miniprogram: true }),
  });
  const { bridge, timers, window } = bridged({
    ua: UA.silentWechat,
    WeixinJSBridge: {},
    ...globals,
  });
  assert.equal((await bridge.ready).isMiniProgram, true);

  window.dispatchEvent(new Event("load"));
  timers.pass(300);
  await settled();

  assert.equal(answers, -1);
  assert.equal(bridge.send("result", 1), "on-exit");
});

test("a vendor's script that comes after the page's first messages", async () => {
  const { bridge, window, timers } = bridged(WECHAT);
  assert.equal(bridge.send("result", 1), "none");
  timers.pass(300);
  await settled();
  const { posted, globals } = createApi("wx.miniProgram");
  Object.assign(window, globals);
  window.dispatchEvent(new Event("load"));
  await settled();

  assert.deepEqual(bodies(posted), [1]);
});

test("of one key the host gets the latest, in the order of the latest", async () => {
  const { bridge, posted, timers } = inWechat();
  bridge.send("status", "booting", { key: "status" });
  bridge.send("result", 1);
  bridge.send("status", "ready", { key: "status" });
  timers.pass(500);

  assert.deepEqual(bodies(posted), [1, "ready"]);
});

test("above the number or the bytes the oldest give way, and that is told", async () => {
  const few = inWechat({ messages: 2 });
  for (const n of [1, 2, 3]) few.bridge.send("result", n);
  few.timers.pass(500);
  assert.deepEqual(bodies(few.posted), [2, 3]);
  assert.equal(few.warnings.length, 1);

  const short = inWechat({ bytes: 600 });
  for (const letter of ["a", "b", "c"]) short.bridge.send("result", letter.repeat(150));
  short.timers.pass(500);
  assert.deepEqual(bodies(short.posted), ["b".repeat(150), "c".repeat(150)]);
  assert.equal(short.warnings.length, 1);
});

for (const [what, body, text] of /** @type {const} */ ([
  [
    "longer than a message may be",
    "x".repeat(20_000),
    /^result: expected at most 16384 bytes, got 20\d\d\d/,
  ],
  ["as long in bytes, not in characters", "京".repeat(6_000), /got 18\d\d\d/],
  [
    "bytes",
    { picture: new Uint8Array(2) },
    /^result: expected what JSON can say, got TypeError: bytes/,
  ],
  ["no JSON", { big: 1n }, /^result: expected what JSON can say/],
])) {
  test(`a message that is ${what} is refused and told`, async () => {
    const { bridge, posted, warnings, timers } = inWechat();

    assert.equal(bridge.send("result", body), "none");
    timers.pass(500);
    assert.equal(posted.length, 0);
    assert.match(warnings[0], text);
  });
}

test("what the host keeps for the page's life is bounded; the rest waits for its end", async () => {
  const { bridge, posted, timers, hide } = inWechat({ handedBytes: 400, messages: 3 });
  for (let n = 0; n < 20; n++) {
    assert.equal(bridge.send("result", n), "on-exit");
    timers.pass(500);
  }
  const before = posted.length;
  hide();

  assert.ok(before > 0 && before < 10, `${before}`);
  assert.deepEqual(bodies(posted).slice(before), [17, 18, 19]);
});

test("a page that is left hands over what waits", async () => {
  for (const leave of [
    (/** @type {ReturnType<typeof inWechat>} */ { hide }) => hide(),
    (/** @type {ReturnType<typeof inWechat>} */ { window }) =>
      window.dispatchEvent(new Event("pagehide")),
    (/** @type {ReturnType<typeof inWechat>} */ { bridge }) => bridge.flush(),
    (/** @type {ReturnType<typeof inWechat>} */ { bridge }) => bridge.stop(),
  ]) {
    const page = inWechat();
    page.bridge.send("result", 1);
    leave(page);

    assert.deepEqual(bodies(page.posted), [1]);
  }
});

test("what is sent while the page is hidden waits for no timer, which may never come", async () => {
  const { bridge, posted, hide } = inWechat();
  hide();

  assert.equal(bridge.send("result", "of the exit"), "on-exit");
  assert.deepEqual(bodies(posted), ["of the exit"]);
});

test("a message that finds no room at all is promised to nobody", async () => {
  const { bridge, posted, timers, warnings } = inWechat({ bytes: 50 });

  assert.equal(bridge.send("result", 1), "none");
  timers.pass(500);
  assert.equal(posted.length, 0);
  assert.match(warnings[0], /above 50 bytes\.$/);
});

test("what the page changes later is not sent", async () => {
  const { bridge, posted, timers } = inWechat();
  const body = { n: 1 };
  bridge.send("result", body);
  body.n = 2;
  timers.pass(500);

  assert.deepEqual(bodies(posted), [{ n: 1 }]);
});

test("a host that throws costs its message, is told, and nothing else", async () => {
  const { globals, api } = createApi("my");
  const { bridge, warnings } = bridged({ ua: UA.alipay, ...globals });
  api.postMessage = () => {
    throw new Error("gone");
  };

  assert.equal(bridge.send("result", 1), "none");
  assert.match(warnings[0], /the host threw Error: gone\.$/);
});

test("alipay's mini-program is heard after the page has spoken first", async () => {
  const { posted, globals, api } = createApi("my");
  /** @type {unknown[]} */
  const pages = [];
  const former = (/** @type {unknown} */ message) => void pages.push(message);
  api.onMessage = former;
  const { bridge } = bridged({ ua: UA.alipay, ...globals });
  await bridge.ready;
  /** @type {string[]} */
  const heard = [];
  bridge.onCommand(({ type }) => void heard.push(type));

  assert.deepEqual(
    posted.map(({ type }) => type),
    ["hello"],
  );
  const command = { v: 1, id: "c1", ts: 1, type: "infer", body: null };
  for (const message of [command, command, { other: true }]) api.onMessage(message);
  assert.deepEqual(heard, ["infer"]);
  assert.equal(pages.length, 3);

  bridge.stop();
  assert.equal(api.onMessage, former);
});

test("stop leaves no listener and no timer, and a stopped bridge promises nothing", async () => {
  const { bridge, timers, listeners, posted } = inWechat();
  bridge.send("result", 1);
  bridge.onCommand(() => {});
  await settled();
  bridge.stop();
  await settled();
  timers.pass(1_000);

  assert.deepEqual([listeners(), timers.waiting], [0, 0]);
  assert.equal(bridge.send("result", 2), "none");
  assert.deepEqual(bodies(posted), [1]);
});

test("stop while the bridge has not come yet, and while the host has not answered", async () => {
  const early = bridged({ ua: UA.wechat });
  early.bridge.stop();
  assert.deepEqual([early.listeners(), early.timers.waiting], [0, 0]);

  const { bridge, timers, listeners } = bridged({
    ...WECHAT,
    ...createApi("wx.miniProgram", { getEnv: () => {} }).globals,
  });
  bridge.stop();

  assert.deepEqual([listeners(), timers.waiting], [0, 0]);
  await bridge.ready;
});

test("a plain browser's page gets no listener at all", () => {
  assert.equal(bridged({ ua: UA.desk }).listeners(), 0);
});
