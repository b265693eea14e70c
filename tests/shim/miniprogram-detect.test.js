/** Which app a page is in: the table of cases, and the host's own answer, which may be late, false or never come. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { detectHost, refineHost } from "../../js_shim/miniprogram/detect.js";
import { createHandTimers } from "./hand-timers.js";
import { UA, createApi, createPage, settled } from "./miniprogram-page.js";
import { vectors } from "./vectors.js";

for (const { name, ua, objects = [], globals = {}, ...expected } of vectors("mini-program-hosts")
  .cases) {
  test(`at once: ${name}`, () => {
    const apis = objects.map((/** @type {string} */ path) => createApi(path).globals);
    const { window } = createPage({ ua, ...Object.assign({}, ...apis), ...globals });

    assert.deepEqual(detectHost(window), expected);
  });
}

test("a global whose getter throws counts as not there", () => {
  const { window } = createPage({ ua: UA.wechat });
  Object.defineProperty(window, "wx", {
    get() {
      throw new Error("not yours");
    },
  });

  assert.equal(detectHost(window).confidence, "ua");
});

/** @param {Parameters<typeof createPage>[0]} parts */
function refined(parts) {
  const timers = createHandTimers();
  const page = createPage(parts);
  /** @type {any[]} */
  const found = [];
  void refineHost(page.window, { timers }).then((detection) => found.push(detection));
  return { ...page, timers, found };
}

/** @param {unknown} env */
const answering = (env) =>
  createApi("wx.miniProgram", { getEnv: (/** @type {any} */ tell) => tell(env) }).globals;
const BRIDGE = { WeixinJSBridge: {} };

test("the host's yes stands above a user agent that says nothing", async () => {
  const { found, timers, listeners } = refined({
    ua: UA.silentWechat,
    ...answering({ miniprogram: true }),
    ...BRIDGE,
  });
  await settled();

  assert.deepEqual([found[0].isMiniProgram, found[0].confidence], [true, "object"]);
  assert.deepEqual([timers.waiting, listeners()], [0, 0]);
});

test("the host's no stands above a user agent that says yes", async () => {
  const { found } = refined({ ua: UA.wechat, ...answering({ miniprogram: false }), ...BRIDGE });
  await settled();

  assert.equal(found[0].isMiniProgram, false);
});

test("baidu calls its answer otherwise", async () => {
  const getEnv = (/** @type {any} */ tell) => tell({ smartprogram: true });
  const { found } = refined({ ua: UA.baidu, ...createApi("swan.webView", { getEnv }).globals });
  await settled();

  assert.equal(found[0].isMiniProgram, true);
});

test("a getEnv that never answers is waited for 300 ms", async () => {
  const { found, timers, listeners } = refined({
    ua: UA.wechat,
    ...createApi("wx.miniProgram", { getEnv: () => {} }).globals,
    ...BRIDGE,
  });
  timers.pass(299);
  await settled();
  assert.equal(found.length, 0);
  timers.pass(1);
  await settled();

  assert.deepEqual([found[0].host, found[0].isMiniProgram], ["wechat", true]);
  assert.deepEqual([timers.waiting, listeners()], [0, 0]);
});

test("a getEnv that throws leaves what was found", async () => {
  const getEnv = () => {
    throw new Error("no");
  };
  const { found } = refined({
    ua: UA.jd,
    ...createApi("jd.miniProgram", { getEnv }).globals,
    JDJSBridge: {},
  });
  await settled();

  assert.deepEqual([found[0].host, found[0].isMiniProgram], ["jd", true]);
});

test("the app's global is read when its bridge is ready, not before", async () => {
  const { window, found, bridgeComes } = refined({ ua: UA.silentWechat });
  window.__wxjs_environment = "miniprogram";
  bridgeComes("WeixinJSBridge", "WeixinJSBridgeReady");
  await settled();

  assert.deepEqual([found[0].isMiniProgram, found[0].confidence], [true, "global"]);
});

test("a bridge that never comes costs 300 ms and no listener", async () => {
  const { found, timers, listeners } = refined({ ua: UA.silentWechat });
  timers.pass(300);
  await settled();

  assert.deepEqual([found[0].isMiniProgram, found[0].confidence], [false, "ua"]);
  assert.equal(listeners(), 0);
});

test("a page outside these apps is not waited for", async () => {
  const { found, timers } = refined({ ua: UA.desk });
  await settled();

  assert.equal(found[0].host, "none");
  assert.equal(timers.waiting, 0);
});
