/** What a click is, decided on its path alone: plain objects stand for nodes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeClick } from "../../js_shim/capture.js";

/**
 * An element, or whatever else has `getAttribute`.
 * @param {Record<string, string>} [attributes]
 */
const element = (attributes = {}) => ({
  getAttribute: (/** @type {string} */ name) => attributes[name] ?? null,
});

// Neither text nodes nor shadow roots nor the path's last two have attributes.
const TEXT = { nodeType: 3, data: "Buy" };
const SHADOW_ROOT = { nodeType: 11, host: {} };
const OUTSIDE = [{ nodeType: 9 }, { window: true }];

/**
 * @param {readonly unknown[]} path
 * @param {string[]} [warnings]
 */
const described = (path, warnings = []) =>
  describeClick(
    [...path, ...OUTSIDE],
    () => "document's page",
    (message) => warnings.push(message),
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
