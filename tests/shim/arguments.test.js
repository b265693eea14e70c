/** Mistakes in calls: each is named by its place, what was expected and what was given. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  absolute,
  checkInfer,
  checkKey,
  checkOn,
  checkPut,
  checkStart,
  checkTrack,
} from "../../js_shim/arguments.js";
import { EdgeError } from "../../js_shim/errors.js";
import { propsText } from "../../js_shim/event-props.js";
import { EVENT_LIMITS } from "../../js_shim/limits.js";
import { vectors } from "./vectors.js";

const CODES = { systemCode: "s", businessCode: "b" };
const EVENT = { type: "mta", pageId: "Home" };
/** @param {number} levels */
function nested(levels) {
  let props = {};
  while (--levels > 0) props = { in: props };
  return props;
}
const cycle = /** @type {any} */ ({});
cycle.self = cycle;

const GOOD = /** @type {[string, (options: any) => unknown, unknown][]} */ ([
  ["a URL", checkStart, { config: "/config.json" }],
  [
    "an object",
    checkStart,
    { config: { triggers: [] }, base: "/edge/", capture: false, trace: true, profile: true },
  ],
  ["no VM", checkStart, { config: "c", vms: 0 }],
  ["eight VMs", checkStart, { config: "c", vms: 8 }],
  ["as many as fit", checkStart, { config: "c", vms: "auto" }],
  ["codes alone", checkInfer, CODES],
  [
    "everything",
    checkInfer,
    {
      ...CODES,
      extData: { photo: new Blob([]) },
      priority: "core",
      timeoutMs: 0.5,
      signal: new AbortController().signal,
      supersedeKey: "search box",
    },
  ],
  ["a page view", checkTrack, EVENT],
  ["a click", checkTrack, { ...EVENT, clickId: "buy", pv: false, props: {} }],
  ["the longest texts", checkTrack, { type: "x".repeat(256), pageId: "🛒".repeat(256) }],
]);

for (const [what, check, options] of GOOD) {
  test(`${check.name} lets ${what} pass unchanged`, () => {
    assert.equal(check(options), options);
  });
}

const BAD = /** @type {[(options: any) => unknown, unknown, string, string][]} */ ([
  [checkStart, undefined, "start", "got undefined"],
  [checkStart, [], "start", "expected an object, got []"],
  [checkStart, {}, "start.config", "expected a URL or an object, got undefined"],
  [checkStart, { config: 5 }, "start.config", "got 5"],
  [checkStart, { config: [] }, "start.config", "got []"],
  [checkStart, { config: "c", base: 1 }, "start.base", "expected a URL, got 1"],
  [checkStart, { config: "c", capture: "off" }, "start.capture", 'got "off"'],
  [checkStart, { config: "c", trace: 1 }, "start.trace", "expected a boolean, got 1"],
  [checkStart, { config: "c", profile: "on" }, "start.profile", 'a boolean, got "on"'],
  [checkStart, { config: "c", vms: 9 }, "start.vms", "expected auto or 0 to 8, got 9"],
  [checkStart, { config: "c", vms: -1 }, "start.vms", "got -1"],
  [checkStart, { config: "c", vms: 1.5 }, "start.vms", "got 1.5"],
  [checkStart, { config: "c", vms: "2" }, "start.vms", 'got "2"'],
  [checkStart, { config: "c", vms: null }, "start.vms", "got null"],
  [checkStart, { confg: "c" }, "start.confg", "one of config, base, capture"],
  [checkStart, { config: "c", captrue: false }, "start.captrue", "one of config, base, capture"],
  [checkInfer, null, "infer", "expected an object, got null"],
  [checkInfer, "rank", "infer", 'got "rank"'],
  [checkInfer, { businessCode: "b" }, "infer.systemCode", "expected a string, got undefined"],
  [checkInfer, { systemCode: "", businessCode: "b" }, "infer.systemCode", 'got ""'],
  [checkInfer, { systemCode: "s", businessCode: 7 }, "infer.businessCode", "got 7"],
  [checkInfer, { ...CODES, extData: [1] }, "infer.extData", "expected an object, got [1]"],
  [checkInfer, { ...CODES, extData: null }, "infer.extData", "got null"],
  [checkInfer, { ...CODES, priority: "high" }, "infer.priority", "one of core, regular, low"],
  [checkInfer, { ...CODES, timeoutMs: 0 }, "infer.timeoutMs", "above 0, got 0"],
  [checkInfer, { ...CODES, timeoutMs: -1 }, "infer.timeoutMs", "got -1"],
  [checkInfer, { ...CODES, timeoutMs: "50" }, "infer.timeoutMs", 'got "50"'],
  [checkInfer, { ...CODES, timeoutMs: NaN }, "infer.timeoutMs", "milliseconds"],
  [checkInfer, { ...CODES, timeoutMs: Infinity }, "infer.timeoutMs", "milliseconds"],
  [checkInfer, { ...CODES, signal: {} }, "infer.signal", "expected an AbortSignal, got {}"],
  [checkInfer, { ...CODES, supersedeKey: "" }, "infer.supersedeKey", "text of 1 to 256 char"],
  [checkTrack, undefined, "track", "got undefined"],
  [checkTrack, { pageId: "Home" }, "track.type", "got undefined"],
  [checkTrack, { type: "mta", pageId: "" }, "track.pageId", 'got ""'],
  [checkTrack, { ...EVENT, clickId: "" }, "track.clickId", 'got ""'],
  [checkTrack, { ...EVENT, clickId: 5n }, "track.clickId", "got [object BigInt]"],
  [checkTrack, { ...EVENT, clickId: Symbol("x") }, "track.clickId", "got Symbol(x)"],
  [checkTrack, { ...EVENT, clickId: cycle }, "track.clickId", "got [object Object]"],
  [checkTrack, { ...EVENT, pv: 1 }, "track.pv", "expected a boolean, got 1"],
  [checkTrack, { ...EVENT, props: "x" }, "track.props", "expected an object"],
  [checkTrack, { ...EVENT, type: "x".repeat(257) }, "track.type", "text of 1 to 256 characters"],
  [checkTrack, { ...EVENT, pageId: "🛒".repeat(257) }, "track.pageId", "1 to 256 characters"],
  [propsText, nested(17), "track.props", "at most 16 levels and 16384 bytes of JSON, got deeper"],
  [propsText, { a: [[{ b: nested(14) }]] }, "track.props", "at most 16 levels"],
  [propsText, nested(100_000), "track.props", "at most 16 levels"],
  [propsText, { toJSON: () => nested(17) }, "track.props", "at most 16 levels"],
  [propsText, { text: "x".repeat(16_384) }, "track.props", "at most 16 levels and 16384 bytes"],
  [propsText, { text: "页".repeat(5_500) }, "track.props", "16384 bytes of JSON, got 5511 char"],
  [propsText, new Date(0), "track.props", "expected an object"],
  [propsText, { toJSON() {} }, "track.props", "expected an object, got undefined"],
]);

for (const [check, options, path, text] of BAD) {
  test(`${check.name} refuses ${path}: ${text}`, () => {
    assert.throws(
      () => check(options),
      (/** @type {EdgeError} */ error) => {
        assert.ok(error instanceof EdgeError);
        assert.equal(error.code, "argument-invalid");
        assert.deepEqual(error.details, { path });
        assert.ok(error.message.startsWith(`${path}: expected `), error.message);
        assert.ok(error.message.includes(text), error.message);
        return true;
      },
    );
  });
}

test("what was given is quoted in part", () => {
  assert.throws(
    () => checkStart("x".repeat(10_000)),
    (/** @type {Error} */ error) => error.message.length < 200,
  );
});

test("a key is a string with something in it", () => {
  assert.equal(checkKey("get", "cart"), "cart");
  for (const key of ["", undefined, null, 5, {}]) {
    assert.throws(() => checkKey("put", key), /put\.key: expected a string/);
  }
});

test("only what is ever told can be listened to, and only by a function", () => {
  checkOn("result", () => {});

  assert.throws(() => checkOn("results", () => {}), /on\.name: expected one of result, error/);
  assert.throws(() => checkOn("constructor", () => {}), /on\.name/);
  assert.throws(() => checkOn("log", "f"), /on\.listener: expected a function, got "f"/);
});

test("a value to keep is anything but nothing, encrypted as the configuration says unless given", () => {
  for (const value of [null, 0, "", false, [], {}]) {
    assert.deepEqual(checkPut("k", value, {}), {});
  }
  for (const encrypted of [true, false]) {
    assert.deepEqual(checkPut("k", 1, { encrypted }), { encrypted });
  }

  assert.throws(() => checkPut("", 1, {}), /put\.key/);
  assert.throws(() => checkPut("k", undefined, {}), /put\.value: expected a JSON-able value/);
  assert.throws(() => checkPut("k", 1, null), /put\.options: expected an object, got null/);
  assert.throws(() => checkPut("k", 1, { encrypted: "no" }), /put\.encrypted: expected a boolean/);
});

test("addresses are made absolute, and one that is none is named", () => {
  assert.equal(
    absolute("start.base", "edge/", "https://a.example/x/"),
    "https://a.example/x/edge/",
  );
  assert.throws(() => absolute("start.config", "http://", "https://a.example/"), {
    code: "argument-invalid",
    message: 'start.config: expected a URL, got "http://".',
  });
});

test("the page's limits of an event are the core's", () => {
  assert.deepEqual(EVENT_LIMITS, vectors("event-limits"));
});

for (const props of [
  {},
  nested(16),
  { list: Array(100).fill([{}]) },
  { text: "页".repeat(5_457) },
  { text: "[{".repeat(100), quoted: '"[['.repeat(100), slashed: "\\" },
  { ["{".repeat(30)]: 1, half: "\ud800" },
]) {
  test(`props become the JSON they are: ${JSON.stringify(props).slice(0, 40)}`, () => {
    assert.equal(propsText(props), JSON.stringify(props));
  });
}

test("props that are no JSON are a mistake of its own", () => {
  assert.throws(() => propsText({ big: 1n }), TypeError);
  assert.throws(() => propsText(cycle), TypeError);
});
