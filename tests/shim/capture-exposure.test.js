/** What counts as seen, over observers that the test moves. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchExposures } from "../../js_shim/capture-exposure.js";
import { element, fakeDocument } from "./fake-document.js";

/** @import { TestContext } from "node:test" */

const scope = /** @type {any} */ (globalThis);

/** @param {TestContext} t @param {{isAsked?: boolean, elements?: any[]}} [how] */
function scene(t, { isAsked, elements = [] } = {}) {
  const fake = fakeDocument(t);
  fake.document.elements = elements;
  /** @type {Set<any>} */
  const watched = new Set();
  /** @type {{look?: (entries: any[]) => void, mutate?: () => void}} */
  const calls = {};
  /** @type {(() => void)[]} */
  const frames = [];
  let isWatchingMarkup = false;
  const observers = {
    IntersectionObserver: class {
      /** @param {(entries: any[]) => void} look */
      constructor(look) {
        calls.look = look;
      }
      observe = (/** @type {any} */ target) => void watched.add(target);
      unobserve = (/** @type {any} */ target) => void watched.delete(target);
      disconnect = () => watched.clear();
    },
    MutationObserver: class {
      /** @param {() => void} mutate */
      constructor(mutate) {
        calls.mutate = mutate;
      }
      observe = () => void (isWatchingMarkup = true);
      disconnect = () => void (isWatchingMarkup = false);
    },
    requestAnimationFrame: (/** @type {() => void} */ frame) => frames.push(frame),
    cancelAnimationFrame: (/** @type {number} */ id) => void delete frames[id - 1],
  };
  Object.assign(scope, observers);
  t.after(() => Object.keys(observers).forEach((name) => void delete scope[name]));
  const exposures = watchExposures(fake.capturing, isAsked);
  exposures.restart();
  return {
    ...fake,
    ...exposures,
    watched,
    frames,
    get isWatchingMarkup() {
      return isWatchingMarkup;
    },
    mutate: () => calls.mutate?.(),
    /** @param {any} target @param {number} intersectionRatio */
    look: (target, intersectionRatio) => calls.look?.([{ target, intersectionRatio }]),
    told: () => fake.tracked.map(({ clickId }) => clickId),
  };
}

const banner = () =>
  element(
    { "data-edge-expose": "banner", "data-edge-props": '{"sku": 7}' },
    { parentNode: element({ "data-edge-page": "Home" }) },
  );

test("half of an element for half a second is an exposure, with page and props", (t) => {
  const target = banner();
  const { look, pass, tracked } = scene(t, { elements: [target] });

  look(target, 0.5);
  pass(499);
  assert.deepEqual(tracked, []);
  pass(1);

  const props = { sku: 7 };
  assert.deepEqual(tracked, [
    { type: "mta.exposure", pageId: "Home", clickId: "banner", pv: false, props },
  ]);
});

test("less of it, or shorter, is none; what comes back begins anew", (t) => {
  const target = banner();
  const { look, pass, told } = scene(t, { elements: [target] });

  look(target, 0.49);
  pass(1_000);
  look(target, 1);
  pass(400);
  look(target, 0);
  pass(400);
  look(target, 1);
  pass(499);

  assert.deepEqual(told(), []);
});

test("an element is told once a view, and again in the next", (t) => {
  const target = banner();
  const { look, pass, told, resume, restart, watched } = scene(t, { elements: [target] });

  look(target, 1);
  pass(500);
  resume();
  assert.deepEqual([told(), [...watched]], [["banner"], []]);

  restart();
  assert.deepEqual([...watched], [target]);
});

test("an element that shows something else may be told again", (t) => {
  const target = banner();
  const { look, pass, told, mutate, frames } = scene(t, { elements: [target] });
  look(target, 1);
  pass(500);

  target.attributes["data-edge-expose"] = "next";
  mutate();
  frames.pop()?.();
  look(target, 1);
  pass(500);

  assert.deepEqual(told(), ["banner", "next"]);
});

test("a pause forgets what is on the screen", (t) => {
  const target = banner();
  const { look, pass, told, pause, resume, watched } = scene(t, { elements: [target] });

  look(target, 1);
  pass(400);
  pause();
  pass(400);

  assert.deepEqual([told(), [...watched]], [[], []]);
  resume();
  assert.deepEqual([...watched], [target]);
});

test("what is added later is found, with one look a frame", (t) => {
  const { mutate, frames, watched, document } = scene(t, { elements: [banner()] });
  const added = banner();
  document.elements.push(added);

  mutate();
  mutate();
  assert.equal(frames.length, 1);
  frames[0]();

  assert.ok(watched.has(added));
  mutate();
  assert.equal(frames.length, 2);
});

test("without markup nothing is watched, until a view has some or the page asks for it", (t) => {
  const own = scene(t);
  own.resume();
  assert.equal(own.isWatchingMarkup, false);

  own.document.elements = [banner()];
  own.restart();

  assert.equal(own.isWatchingMarkup, true);
});

for (const [isAsked, isWatching] of [
  [true, true],
  [false, false],
]) {
  test(`exposure: ${isAsked} holds whatever the markup`, (t) => {
    const elements = isAsked ? [] : [banner()];

    const own = scene(t, { isAsked, elements });

    assert.equal(own.isWatchingMarkup, isWatching);
    assert.equal(own.watched.size, 0);
  });
}

test("an end leaves no timer, frame or observer", (t) => {
  const target = banner();
  const own = scene(t, { elements: [target] });
  own.look(target, 1);
  own.mutate();

  own.stopping.abort();
  own.pass(1_000);

  assert.deepEqual(own.told(), []);
  assert.deepEqual(
    [own.watched.size, own.isWatchingMarkup, Object.keys(own.frames)],
    [0, false, []],
  );
});
