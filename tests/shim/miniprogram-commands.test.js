/** The way down: commands in the address, which the page's router must not see, and what a runtime does with them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeError } from "../../js_shim/errors.js";
import { createBridge } from "../../js_shim/miniprogram/bridge.js";
import { connect } from "../../js_shim/miniprogram/connect.js";
import { createReceiver } from "../../js_shim/miniprogram/receiver.js";
import { createEmitter } from "../../js_shim/emitter.js";
import { createHandTimers } from "./hand-timers.js";
import { UA, createApi, createPage, settled } from "./miniprogram-page.js";

const ROUTE = "https://shop.test/shop#/item/7";
const { nextSrc } = createReceiver();

/** @param {string} type @param {unknown} [body] */
const hash = (type, body) => `#${nextSrc("", type, body).split("#")[1]}`;

/** @param {Parameters<typeof createPage>[0]} [parts] */
function inWechat(parts = {}) {
  const { posted, globals } = createApi("wx.miniProgram");
  const page = createPage({ url: ROUTE, ua: UA.wechat, WeixinJSBridge: {}, ...globals, ...parts });
  const timers = createHandTimers();
  /** @type {string[]} */
  const warnings = [];
  /** @type {string[]} */
  const routed = [];
  const warn = (/** @type {string} */ message) => void warnings.push(message);
  const bridge = createBridge({ window: page.window, timers, warn });
  for (const name of ["popstate", "hashchange"])
    page.window.addEventListener(name, () => routed.push(`${name} ${page.location.href}`));
  /** @type {[string, unknown][]} */
  const heard = [];
  const listen = () => bridge.onCommand(({ type, body }) => heard.push([type, body]));
  return { ...page, bridge, timers, warnings, routed, heard, listen, posted };
}

test("a command arrives; the router sees neither its event nor its hash", () => {
  const { visit, listen, heard, routed, location } = inWechat();
  listen();
  visit(hash("infer", { systemCode: "商城" }))();

  assert.deepEqual(heard, [["infer", { systemCode: "商城" }]]);
  assert.deepEqual([location.href, routed], [ROUTE, []]);
});

test("the entry's state is put back where it was seen; of one that was not, the address alone", () => {
  const { visit, history, location } = inWechat();
  const back = visit("#/item/8");
  history.state = { position: 4 };
  back();
  visit(hash("track"))();
  assert.deepEqual(
    [location.href, history.state],
    ["https://shop.test/shop#/item/8", { position: 4 }],
  );

  history.pushState({ position: 5 }, "", "#/item/9");
  visit(hash("track"))();
  assert.deepEqual([location.href, history.state], ["https://shop.test/shop#/item/9", null]);
});

test("a hash of the page's own is left alone", () => {
  const { visit, routed, location } = inWechat();
  visit("#/cart")();

  assert.deepEqual(routed, [
    "popstate https://shop.test/shop#/cart",
    "hashchange https://shop.test/shop#/cart",
  ]);
  assert.equal(location.href, "https://shop.test/shop#/cart");
});

test("the same command twice is one", () => {
  const { visit, listen, heard } = inWechat();
  listen();
  const command = hash("infer", 1);
  visit(command)();
  visit(command)();

  assert.equal(heard.length, 1);
});

test("two addresses in a row, before the first event: both commands count, the route is back", () => {
  const { visit, listen, heard, routed, location } = inWechat();
  listen();
  const events = [visit(hash("a")), visit(hash("b"))];
  events.forEach((dispatch) => dispatch());

  assert.deepEqual(
    heard.map(([type]) => type),
    ["a", "b"],
  );
  assert.deepEqual([location.href, routed], [ROUTE, []]);
});

test("a command of the first address waits for a listener, and is gone from the address", () => {
  const { listen, heard, location } = inWechat({
    url: `https://shop.test/shop${hash("infer", 1)}`,
  });
  assert.equal(location.href, "https://shop.test/shop");
  listen();

  assert.deepEqual(heard, [["infer", 1]]);
});

for (const [what, bad, text] of /** @type {const} */ ([
  ["too long", `#edge=${"x".repeat(3_000)}`, /^command: expected at most 2048 bytes, got 3006\.$/],
  ["no JSON", "#edge=%7Bnope", /JSON/],
  ["not encoded well", "#edge=%E4%B", /malformed/i],
  [
    "of another version",
    `#edge=${encodeURIComponent('{"v":2,"id":"1","ts":1,"type":"infer"}')}`,
    /^command: expected \{v: 1/,
  ],
  ["no envelope", "#edge=null", /^command: expected \{v: 1/],
])) {
  test(`a command that is ${what} is told, and taken out of the address`, () => {
    const { visit, listen, heard, warnings, location, routed } = inWechat();
    listen();
    visit(bad)();

    assert.match(warnings[0], text);
    assert.deepEqual([heard, location.href, routed], [[], ROUTE, []]);
  });
}

test("outside a mini-program an address says nothing: anybody could have made it", async () => {
  for (const ua of [UA.desk, UA.silentWechat]) {
    const { visit, listen, heard, routed, location, timers } = inWechat({ ua });
    timers.pass(300);
    await settled();
    listen();
    visit(hash("infer"))();

    assert.deepEqual(heard, []);
    assert.equal(routed.length, 2);
    assert.match(location.href, /#edge=/);
  }
});

test("a command that came before the app said that it is a mini-program", async () => {
  const page = inWechat({
    ua: UA.silentWechat,
    WeixinJSBridge: undefined,
    url: ROUTE.split("#")[0] + hash("infer"),
  });
  page.listen();
  assert.match(page.location.href, /#edge=/);
  page.window.__wxjs_environment = "miniprogram";
  page.bridgeComes("WeixinJSBridge", "WeixinJSBridgeReady");
  page.timers.pass(300);
  await settled();

  assert.deepEqual(page.heard, [["infer", null]]);
  assert.equal(page.location.href, ROUTE.split("#")[0]);
});

test("a bridge that was stopped before the app said so leaves the address alone", async () => {
  const url = ROUTE.split("#")[0] + hash("infer");
  const { window, bridge, location, timers } = inWechat({
    ua: UA.silentWechat,
    WeixinJSBridge: undefined,
    url,
  });
  bridge.stop();
  window.__wxjs_environment = "miniprogram";
  timers.pass(300);
  await settled();

  assert.equal(location.href, url);
});

test("an engine that refuses to change the address: the command counts all the same", () => {
  const { visit, listen, heard, history, warnings, routed } = inWechat();
  listen();
  history.replaceState = () => {
    throw new Error("too often");
  };
  visit(hash("infer"))();

  assert.deepEqual([heard.length, routed], [1, []]);
  assert.match(warnings[0], /got Error: too often\.$/);
});

test("a listener that throws is told, and the others hear", () => {
  const { visit, listen, bridge, heard, warnings } = inWechat();
  bridge.onCommand(() => {
    throw new Error("mine");
  });
  listen();
  visit(hash("infer"))();

  assert.equal(heard.length, 1);
  assert.match(warnings[0], /^infer: a listener threw Error: mine\.$/);
});

test("commands that nobody listens to are kept, the latest eight", () => {
  const { visit, listen, heard, warnings } = inWechat();
  for (let n = 0; n < 9; n++) visit(hash("infer", n))();
  listen();

  assert.deepEqual(
    heard.map(([, n]) => n),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.match(warnings[0], /nobody listens/);
});

/** A runtime as far as the connection uses it. */
function createEdge() {
  const { on, emit } = createEmitter();
  /** @type {any[]} */
  const tracked = [];
  /** @type {{options: any, resolve: (value: any) => void, reject: (error: any) => void}[]} */
  const runs = [];
  const infer = (/** @type {any} */ options) =>
    new Promise((resolve, reject) => void runs.push({ options, resolve, reject }));
  const edge = /** @type {any} */ ({
    on,
    infer,
    track: (/** @type {any} */ event) => tracked.push(event),
  });
  return { edge, emit, tracked, runs };
}

/** @param {Parameters<typeof connect>[2]} [options] */
function connected(options) {
  const page = inWechat();
  const runtime = createEdge();
  const off = connect(runtime.edge, page.bridge, options);
  const messages = () => {
    page.timers.pass(500);
    return page.posted.map(({ data }) => [data.type, data.body]);
  };
  return { ...page, ...runtime, off, messages };
}

test("results go to the mini-program, other events only if asked for", () => {
  const { emit, messages } = connected();
  emit("result", { taskName: "Rank", value: [1] });
  emit("status", { state: "ready" });
  assert.deepEqual(messages(), [["result", { taskName: "Rank", value: [1] }]]);

  const both = connected({ types: ["result", "status"], keyOf: (type) => type });
  both.emit("status", { state: "booting" });
  both.emit("status", { state: "ready" });
  assert.deepEqual(both.messages(), [["status", { state: "ready" }]]);
});

for (const value of [new Uint8Array(2), "x".repeat(20_000)])
  test(`an answer that no message holds is an error: ${value.length} of something`, async () => {
    const { visit, runs, messages } = connected();
    visit(hash("infer", { systemCode: "shop", businessCode: "rank" }))();
    runs[0].resolve({ value });
    await settled();

    const [[type, { to, result, error }]] = messages();
    assert.deepEqual(
      [type, typeof to, result, error.code, error.number],
      ["answer", "string", undefined, "task-output-invalid", 4003],
    );
  });

test("an infer command is answered by its id", async () => {
  const { visit, runs, messages } = connected();
  const address = hash("infer", { systemCode: "shop", businessCode: "rank" });
  const { id } = JSON.parse(decodeURIComponent(address.slice(6)));
  visit(address)();
  assert.deepEqual(runs[0].options, { systemCode: "shop", businessCode: "rank" });
  runs[0].resolve({ value: 3 });
  await settled();

  assert.deepEqual(messages(), [["answer", { to: id, result: { value: 3 } }]]);
});

test("a refused infer is answered by its error, of a runtime in another script as well", async () => {
  const { visit, runs, messages } = connected();
  visit(hash("infer", {}))();
  visit(hash("infer", {}))();
  runs[0].reject(new EdgeError("queue-full", "full"));
  runs[1].reject(new Error("odd"));
  await settled();

  const errors = messages().map(([, body]) => body.error);
  assert.deepEqual(
    [errors[0].code, errors[0].number, errors[1]],
    ["queue-full", 5001, { message: "Error: odd" }],
  );
});

test("a track command is an event; a command that is not allowed, or unknown, is nothing", () => {
  const { visit, tracked, runs } = connected({ commands: ["track"] });
  const event = { type: "mta", pageId: "Home" };
  visit(hash("track", event))();
  visit(hash("infer", {}))();
  visit(hash("erase"))();

  assert.deepEqual([tracked, runs], [[event], []]);
});

test("a connection that was ended forwards, obeys and answers nothing more", async () => {
  const { visit, runs, emit, off, messages } = connected();
  visit(hash("infer", {}))();
  off();
  runs[0].resolve({ value: 1 });
  emit("result", { value: 2 });
  visit(hash("infer", {}))();
  await settled();

  assert.deepEqual([runs.length, messages()], [1, []]);
});

test("a web-view destroyed in the middle of a run: no answer, no harm", async () => {
  const { visit, runs, bridge, posted, listeners, off } = connected();
  visit(hash("infer", {}))();
  const before = listeners();
  off();
  bridge.stop();
  runs[0].resolve({ value: 1 });
  await settled();

  assert.deepEqual(posted, []);
  // The two left are the router's of this test.
  assert.equal(listeners(), 2);
  assert.ok(before > 2);
});
