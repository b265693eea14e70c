/** Capture as a whole on a page that does not cooperate. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startCapture } from "../../js_shim/capture.js";
import { element, fakeDocument } from "./fake-document.js";

/** @import { TestContext } from "node:test" */

/** @param {TestContext} t */
function scene(t) {
  const fake = fakeDocument(t);
  const window = Object.assign(new EventTarget(), fake.window);
  Object.assign(globalThis, { window });
  startCapture(fake.capturing);
  /** @param {any} path */
  const click = (path) => {
    const event = Object.assign(new Event("click", { cancelable: true }), {
      composedPath: () => path,
    });
    window.dispatchEvent(event);
    return event;
  };
  return { ...fake, history: fake.window.history, click };
}

test("a click is heard, and left to the page", (t) => {
  const { click, tracked } = scene(t);

  const event = click([element({ "data-edge-click": "buy" })]);

  assert.deepEqual(
    tracked.map(({ clickId }) => clickId),
    [undefined, "buy"],
  );
  assert.equal(event.defaultPrevented, false);
});

test("a failure is a warning and not the page's", (t) => {
  const { click, tracked, warnings } = scene(t);
  const hostile = {
    getAttribute() {
      throw new Error("mine");
    },
  };

  click([hostile]);

  assert.equal(tracked.length, 1);
  assert.deepEqual(warnings, ["event not captured: Error: mine"]);
});

test("behind its end nothing is heard", (t) => {
  const { click, tracked, stopping } = scene(t);

  stopping.abort();
  click([element({ "data-edge-click": "buy" })]);

  assert.equal(tracked.length, 1);
});

test("a method of ours that somebody has wrapped only passes on behind the end", (t) => {
  const { history, tracked, stopping, pass } = scene(t);
  const ours = history.pushState;
  history.pushState = (/** @type {any[]} */ ...args) => ours.apply(history, args);

  stopping.abort();
  assert.equal(history.pushState({}, "", "/cart"), "returned");
  pass(1_000);

  assert.equal(tracked.length, 1);
});
