/** When a view is counted, and how long it was visible. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchViews } from "../../js_shim/capture-views.js";
import { element, fakeDocument } from "./fake-document.js";

/** @import { TestContext } from "node:test" */

/**
 * @param {TestContext} t
 * @param {{readyState?: string, elements?: any[]}} [document]
 * @param {(history: any) => void} [before]
 */
function scene(t, document = {}, before) {
  const fake = fakeDocument(t);
  before?.(fake.window.history);
  Object.assign(fake.document, document);
  /** @type {string[]} */
  const exposures = [];
  const note = (/** @type {string} */ name) => () => void exposures.push(name);
  let nowMs = 1_000;
  t.mock.method(performance, "now", () => nowMs);
  const settle = watchViews(fake.capturing, {
    pause: note("pause"),
    resume: note("resume"),
    restart: note("restart"),
  });
  const show = (/** @type {string} */ state) => {
    fake.document.visibilityState = state;
    fake.heard.visibilitychange({});
  };
  const pass = (/** @type {number} */ ms) => {
    nowMs += ms;
    fake.pass(ms);
  };
  /** What was told, in short. */
  const told = () =>
    fake.tracked.map(({ type, pageId, props }) => [type, pageId, ...Object.values(props ?? {})]);
  return { ...fake, history: fake.window.history, settle, exposures, show, pass, told };
}

test("a parsed document is viewed at once, one that loads when it is parsed", (t) => {
  const { told, heard } = scene(t, { readyState: "loading" });

  assert.deepEqual(told(), []);
  heard.DOMContentLoaded({});

  assert.deepEqual(told(), [["mta", "/home"]]);
});

test("the mark in the document names the page", (t) => {
  const { told } = scene(t, { elements: [element({ "data-edge-page": "Home" })] });

  assert.deepEqual(told(), [["mta", "Home"]]);
});

test("a path that is too long for a page id still counts", (t) => {
  const { tracked, history, pass } = scene(t);

  history.pushState({}, "", `/${"%E4%B8%AD".repeat(40)}`);
  pass(50);

  assert.deepEqual(
    tracked.slice(1).map(({ pageId }) => pageId.length),
    [5, 256],
  );
});

test("another address is an exit and a view, once the page has come to rest", (t) => {
  const { told, history, pass } = scene(t);

  assert.equal(history.pushState({}, "", "/cart"), "returned");
  pass(49);
  assert.equal(told().length, 1);
  pass(1);

  assert.deepEqual(told().slice(1), [
    ["mta.exit", "/home", 50],
    ["mta", "/cart"],
  ]);
});

test("a storm of addresses is one view of the last, and none where it ends at the first", (t) => {
  const { told, history, heard, location, pass } = scene(t);

  for (const path of ["/a", "/b", "/c"]) {
    history.replaceState({}, "", path);
    pass(20);
  }
  pass(50);
  assert.deepEqual(told().slice(1), [
    ["mta.exit", "/home", 110],
    ["mta", "/c"],
  ]);
  history.pushState({}, "", "/d");
  location.pathname = "/c";
  heard.popstate({});
  pass(50);

  assert.equal(told().length, 3);
});

test("a change of the hash alone is no view", (t) => {
  const { told, history, heard, location, pass } = scene(t);

  history.pushState({}, "", "#menu");
  location.hash = "#edge=1";
  heard.popstate({});
  pass(1_000);

  assert.equal(told().length, 1);
});

test("a hash that begins as a path is a router's address", (t) => {
  const { told, history, heard, location, pass } = scene(t);

  for (const hash of ["#/cart?from=home", "#!/item", "#/back#token=secret"]) {
    location.hash = hash;
    heard.popstate({});
    pass(100);
  }
  history.pushState({}, "", "#menu");
  pass(100);

  assert.deepEqual(
    told()
      .filter(([type]) => type === "mta")
      .map(([, pageId]) => pageId),
    ["/home", "/home#/cart", "/home#!/item", "/home#/back", "/home"],
  );
});

test("whoever cannot wait has the view that is due at once, and only once", (t) => {
  const { told, history, settle, pass } = scene(t);

  settle();
  history.pushState({}, "", "/cart");
  settle();
  settle();
  pass(100);

  assert.deepEqual(
    told().map(([type]) => type),
    ["mta", "mta.exit", "mta"],
  );
});

test("a route change while the document is parsed is no view of its own", (t) => {
  const { told, history, heard, pass } = scene(t, { readyState: "loading" });

  history.replaceState({}, "", "/cart");
  pass(100);
  heard.DOMContentLoaded({});

  assert.deepEqual(told(), [["mta", "/cart"]]);
});

test("a hidden page is an exit; the time it was hidden does not count", (t) => {
  const { told, show, heard, pass, exposures } = scene(t);

  pass(300);
  show("hidden");
  pass(5_000);
  show("visible");
  pass(200);
  heard.pagehide({});
  show("hidden");

  assert.deepEqual(told().slice(1), [
    ["mta.exit", "/home", 300],
    ["mta.exit", "/home", 200],
  ]);
  assert.deepEqual(exposures, ["pause", "restart", "pause", "resume", "pause", "pause"]);
});

test("a view that is due is counted before the page is left", (t) => {
  const { told, history, heard, pass } = scene(t);

  history.pushState({}, "", "/cart");
  pass(10);
  heard.pagehide({});

  assert.deepEqual(told().slice(1), [
    ["mta.exit", "/home", 10],
    ["mta", "/cart"],
    ["mta.exit", "/cart", 0],
  ]);
});

test("a page shown again from the back/forward cache is a view; a first showing is not", (t) => {
  const { told, show, heard, pass } = scene(t);

  heard.pageshow({ persisted: false });
  heard.pagehide({ persisted: true });
  show("hidden");
  pass(5_000);
  show("visible");
  heard.pageshow({ persisted: true });

  assert.deepEqual(
    told().map(([type]) => type),
    ["mta", "mta.exit", "mta"],
  );
});

test("a page that is ignored as a whole has no views and no exits", (t) => {
  const { told, document, history, pass, show } = scene(t);

  document.elements = [element({ "data-edge-ignore": "" })];
  history.pushState({}, "", "/pay");
  pass(100);
  show("hidden");
  show("visible");
  show("hidden");

  assert.deepEqual(told(), [
    ["mta", "/home"],
    ["mta.exit", "/home", 100],
  ]);
});

test("a history that the page has locked stays as it is, and views go on", (t) => {
  const locked = () => {};
  const { told, history, heard, location, stopping, pass } = scene(t, {}, (history) =>
    Object.defineProperty(history, "replaceState", { value: locked }),
  );

  location.pathname = "/cart";
  heard.popstate({});
  pass(50);
  stopping.abort();

  assert.deepEqual(
    told().map(([, pageId]) => pageId),
    ["/home", "/home", "/cart"],
  );
  assert.deepEqual(Object.keys(history), []);
  assert.equal(history.replaceState, locked);
});

test("an end puts the history's methods back", (t) => {
  const { told, history, stopping, pass } = scene(t);
  history.pushState({}, "", "/cart");

  stopping.abort();
  pass(100);

  assert.deepEqual(Object.keys(history), []);
  assert.equal(told().length, 1);
});

test("methods that others wrapped since, and those that a page had before, are left to them", (t) => {
  const { history, stopping } = scene(t);
  const ours = history.pushState;
  const theirs = (/** @type {any[]} */ ...args) => ours.apply(history, args);
  history.pushState = theirs;

  stopping.abort();

  assert.deepEqual(Object.keys(history), ["pushState"]);
  assert.equal(history.pushState, theirs);
});
