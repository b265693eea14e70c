/** What markup says about a click, decided on its path alone: plain objects stand for nodes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, exposureIdOf } from "../../js_shim/markup.js";
import { element } from "./fake-document.js";

// Neither text nodes nor shadow roots nor the path's last two have attributes.
const TEXT = { nodeType: 3, data: "Buy" };
const SHADOW_ROOT = { nodeType: 11, host: {} };
const OUTSIDE = [{ nodeType: 9 }, globalThis];

/**
 * @param {readonly unknown[]} path
 * @param {string[]} [warnings]
 */
const described = (path, warnings = []) =>
  describe(
    [...path, ...OUTSIDE],
    () => "document's page",
    (message) => void warnings.push(message),
  );

const BUY = { "data-edge-click": "buy" };

test("a click on nothing marked is none", () => {
  assert.equal(described([element(), element({ "data-edge-page": "Home" })]), undefined);
  assert.equal(described([]), undefined);
});

test("a marked element gives the click id, the document the page", () => {
  assert.deepEqual(described([element(BUY), element()]), {
    type: "mta",
    pageId: "document's page",
    clickId: "buy",
    pv: false,
  });
});

for (const [where, path] of /** @type {const} */ ([
  ["a text node", [TEXT, element(BUY)]],
  ["a child", [element(), element(), element(BUY)]],
  ["a picture in SVG", [element(), element({ class: "svg" }), element(BUY)]],
  ["a shadow tree", [element(), SHADOW_ROOT, element(BUY)]],
])) {
  test(`a click on ${where} inside counts for the marked element`, () => {
    assert.equal(described(path)?.clickId, "buy");
  });
}

test("the innermost marks win, page and click each on its own", () => {
  const path = [
    element({ "data-edge-page": "Card" }),
    element(BUY),
    element({ "data-edge-page": "Home", "data-edge-click": "card" }),
  ];

  const click = described(path);

  assert.deepEqual([click?.pageId, click?.clickId], ["Card", "buy"]);
});

test("props come from the clicked element's JSON object", () => {
  const marked = element({ ...BUY, "data-edge-props": '{"sku": 7, "tags": ["a"]}' });
  const outer = element({ "data-edge-props": '{"sku": 8}' });

  assert.deepEqual(described([marked, outer])?.props, { sku: 7, tags: ["a"] });
  assert.ok(!("props" in (described([element(BUY), outer]) ?? {})));
});

for (const text of ["{bad", "[1]", "null", "7", '"text"']) {
  test(`props ${text} are left out with a warning; the click counts`, () => {
    /** @type {string[]} */
    const warnings = [];

    const click = described([element({ ...BUY, "data-edge-props": text })], warnings);

    assert.equal(click?.clickId, "buy");
    assert.ok(!("props" in click));
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0].includes(`expected a JSON object, got ${text}`), warnings[0]);
  });
}

test("a warning quotes long props in part", () => {
  /** @type {string[]} */
  const warnings = [];

  described([element({ ...BUY, "data-edge-props": "x".repeat(10_000) })], warnings);

  assert.ok(warnings[0].length < 200);
});

test("a form whose field is named getAttribute is passed over", () => {
  const form = { getAttribute: { nodeName: "INPUT" } };

  assert.equal(described([form, element(BUY)])?.clickId, "buy");
});

test("a function of the page named getAttribute reads nothing", (t) => {
  Object.assign(globalThis, { getAttribute: () => "junk" });
  t.after(() => void delete (/** @type {any} */ (globalThis).getAttribute));

  assert.equal(described([element()]), undefined);
  assert.equal(described([element(BUY)])?.pageId, "document's page");
});

const EVENT = { "report-eventid": "Cart_Add" };

/** @type {[Record<string, string>, string | undefined][]} */
const MARKS = [
  [{ clstag: "pageclick|keycount|home|7" }, "home|7"],
  [{ clstag: "pageclick|keycount|home|a|b" }, "home|a|b"],
  [{ clstag: "pageclick|keycount" }, undefined],
  [{ clstag: "" }, undefined],
  [EVENT, "Cart_Add"],
  [{ ...EVENT, clstag: "pageclick|keycount|home|7" }, "Cart_Add"],
  [{ ...EVENT, ...BUY }, "buy"],
  [{ "data-edge-click": "", ...EVENT }, "Cart_Add"],
  [{ "data-edge-click": "" }, undefined],
];
for (const [attributes, clickId] of MARKS) {
  test(`${JSON.stringify(attributes)} says ${clickId}`, () => {
    assert.equal(described([element(attributes)])?.clickId, clickId);
  });
}

test("the innermost mark wins, whichever it is", () => {
  const path = [element({ clstag: "pageclick|keycount|home|7" }), element(BUY)];

  assert.equal(described(path)?.clickId, "home|7");
});

test("an event's page and parameter are of older markup, too", () => {
  const marks = { ...EVENT, "report-pagename": "Detail", "report-eventparam": "100_2" };
  const path = [element(marks), element({ "data-edge-page": "Home" })];

  const click = described(path);

  assert.deepEqual([click?.pageId, click?.props], ["Detail", { eventparam: "100_2" }]);
  const asJson = element({ ...EVENT, "report-eventparam": '{"sku": 7}' });
  assert.deepEqual(described([asJson])?.props, { sku: 7 });
});

for (const at of [0, 1, 2]) {
  test(`what is ignored hides a click, ${at} above the target`, () => {
    const marked = element({ ...BUY, "data-edge-props": "{bad" });
    const path = [marked, SHADOW_ROOT, element({ "data-edge-page": "Home" })];
    path.splice(at, 0, element({ "data-edge-ignore": "" }));
    /** @type {string[]} */
    const warnings = [];

    assert.equal(described(path, warnings), undefined);
    assert.deepEqual(warnings, []);
  });
}

test("an exposure has its own id, or that of a click there", () => {
  const id = (/** @type {Record<string, string>} */ attributes) =>
    describe([element(attributes), element(BUY)], () => "Home", assert.fail, exposureIdOf)?.clickId;

  assert.equal(id({ "data-edge-expose": "banner", "data-edge-click": "open" }), "banner");
  assert.equal(id({ "data-edge-expose": "", "data-edge-click": "open" }), "open");
  assert.equal(id({ "data-edge-expose": "" }), "buy");
});
