/** Which clicks count, and how often. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchClicks } from "../../js_shim/capture-clicks.js";
import { element, fakeDocument } from "./fake-document.js";

/** @import { TestContext } from "node:test" */

const BUY = { "data-edge-click": "buy" };

/** @param {TestContext} t @param {() => void} [settle] */
function scene(t, settle = () => {}) {
  const fake = fakeDocument(t);
  watchClicks(fake.capturing, settle);
  /** @param {any[]} path @param {Record<string, unknown>} [event] */
  const click = (path, event = {}) => {
    const { type = "click" } = event;
    fake.heard[String(type)]({
      type,
      button: 0,
      isTrusted: true,
      composedPath: () => path,
      ...event,
    });
  };
  return { ...fake, click };
}

test("a click of a person has the props of its markup and no others", (t) => {
  const { click, tracked } = scene(t);

  click([element({ ...BUY, "data-edge-props": '{"sku": 7}' })]);
  click([element(BUY)]);

  assert.deepEqual(
    tracked.map(({ props }) => props),
    [{ sku: 7 }, {}],
  );
});

test("a click that a script made says so, whatever the markup says", (t) => {
  const { click, tracked } = scene(t);

  click([element({ ...BUY, "data-edge-props": '{"untrusted": false}' })], { isTrusted: false });

  assert.deepEqual(tracked[0].props, { untrusted: true });
});

test("of other buttons the middle one counts, and says so", (t) => {
  const { click, tracked } = scene(t);

  click([element(BUY)], { type: "auxclick", button: 1 });
  click([element(BUY)], { type: "auxclick", button: 2 });

  assert.deepEqual(
    tracked.map(({ props }) => props),
    [{ middle: true }],
  );
});

test("a click inside of a disabled control is none", (t) => {
  const { click, tracked } = scene(t);
  const closest = (/** @type {string} */ selector) => (selector.includes(":disabled") ? {} : null);

  click([element({}, { closest }), element(BUY)]);

  assert.deepEqual(tracked, []);
});

test("a view that is due comes before the click", (t) => {
  const fake = fakeDocument(t);
  const order = /** @type {string[]} */ ([]);
  watchClicks({ ...fake.capturing, track: () => void order.push("click") }, () =>
    order.push("view"),
  );

  fake.heard.click({ type: "click", isTrusted: true, composedPath: () => [element(BUY)] });

  assert.deepEqual(order, ["view", "click"]);
});

const control = element({ "data-edge-click": "agree" });

test("a click on a label counts once, although the browser clicks the control as well", (t) => {
  const { click, tracked, pass } = scene(t);
  const label = element(BUY, { localName: "label", control });

  click([element(), label]);
  click([control, element()]);
  pass(0);
  click([control, element()]);

  assert.deepEqual(
    tracked.map(({ clickId }) => clickId),
    ["buy", "agree"],
  );
});

test("a label without a mark leaves the click to its control", (t) => {
  const { click, tracked } = scene(t);

  click([element({}, { localName: "label", control })]);
  click([control]);

  assert.deepEqual(
    tracked.map(({ clickId }) => clickId),
    ["agree"],
  );
});

test("the control itself is clicked but once: the next click is another", (t) => {
  const { click, tracked } = scene(t);
  const path = [control, element({}, { localName: "label", control })];

  click(path);
  click(path);

  assert.equal(tracked.length, 2);
});
