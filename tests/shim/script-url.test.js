/** Workers with and without Trusted Types, of our origin or another; each test loads the module anew. */

import assert from "node:assert/strict";
import { test } from "node:test";

/** @import { TestContext } from "node:test" */

const URL_OF_SCRIPT = "https://shop.example/edge/runtime-worker.js";
const scope = /** @type {any} */ (globalThis);
let loads = 0;

/**
 * @param {TestContext} t
 * @param {unknown} trustedTypes
 */
async function loaded(t, trustedTypes) {
  scope.trustedTypes = trustedTypes;
  t.after(() => delete scope.trustedTypes);
  const { scriptUrl } = await module();
  return scriptUrl;
}

const module = () => import(`../../js_shim/script-url.js?${++loads}`);

test("without Trusted Types an address stays text", async (t) => {
  const scriptUrl = await loaded(t, undefined);

  assert.equal(scriptUrl(URL_OF_SCRIPT), URL_OF_SCRIPT);
});

test("with them it is made by one policy of our name", async (t) => {
  /** @type {string[]} */
  const names = [];
  const scriptUrl = await loaded(t, {
    createPolicy(/** @type {string} */ name, /** @type {any} */ { createScriptURL }) {
      names.push(name);
      return { createScriptURL: (/** @type {string} */ url) => ({ url: createScriptURL(url) }) };
    },
  });

  assert.deepEqual(scriptUrl(URL_OF_SCRIPT), { url: URL_OF_SCRIPT });
  assert.deepEqual(scriptUrl("other.js"), { url: "other.js" });
  assert.deepEqual(names, ["edge-web-runtime"]);
});

test("a page that does not allow the policy gets the text, and the browser decides", async (t) => {
  const scriptUrl = await loaded(t, {
    createPolicy() {
      throw new TypeError("refused");
    },
  });

  assert.equal(scriptUrl(URL_OF_SCRIPT), URL_OF_SCRIPT);
});

/**
 * Workers as this page's browser makes them; each keeps what it was made with.
 * @param {TestContext} t
 * @param {(options: any) => unknown} [readsType]  Old browsers do not.
 */
function withWorkers(t, readsType = ({ type }) => type) {
  /** @type {any[]} */
  const made = [];
  class FakeWorker {
    isTerminated = false;
    /** @param {unknown} url @param {any} options */
    constructor(url, options) {
      made.push(Object.assign(this, { url, name: options.name, type: readsType(options) }));
    }
    terminate() {
      this.isTerminated = true;
    }
  }
  Object.assign(scope, { Worker: FakeWorker, origin: "https://shop.example" });
  t.after(() => ["Worker", "origin"].forEach((name) => delete scope[name]));
  return made;
}

test("a worker of our own origin is started from its address", async (t) => {
  const made = withWorkers(t);
  const { startWorker } = await module();

  const worker = startWorker(URL_OF_SCRIPT, "edge-vm");

  assert.deepEqual(made, [worker]);
  const { url, name, type } = made[0];
  assert.deepEqual([url, name, type], [URL_OF_SCRIPT, "edge-vm", "module"]);
});

test("one of another origin is imported by a script of ours, the same for each such worker", async (t) => {
  const made = withWorkers(t);
  scope.trustedTypes = {
    createPolicy: () => ({ createScriptURL: (/** @type {string} */ url) => new String(url) }),
  };
  t.after(() => delete scope.trustedTypes);
  const { startWorker } = await module();

  for (const name of ["one", "two"]) startWorker("https://cdn.example/it's/vm-worker.js", name);

  const [first, second] = made.map(({ url }) => url);
  assert.ok(first instanceof String && `${first}`.startsWith("blob:"));
  assert.equal(`${first}`, `${second}`);
  const code = await (await fetch(`${first}`)).text();
  assert.equal(code, 'await import("https://cdn.example/it\'s/vm-worker.js")');
});

for (const [what, prepare, text] of /** @type {const} */ ([
  ["workers", () => delete scope.Worker, /^Worker: expected/],
  ["module workers", () => {}, /^module workers: expected/],
]))
  test(`a browser without ${what} is told apart from a missing file, and no worker stays`, async (t) => {
    const made = withWorkers(t, () => undefined);
    prepare();
    const { startWorker } = await module();

    const started = () => startWorker(URL_OF_SCRIPT, "edge-runtime");

    assert.throws(started, (/** @type {any} */ error) => {
      assert.equal(error.code, "feature-missing");
      assert.match(error.message, text);
      assert.ok(error.details.feature);
      return true;
    });
    assert.ok(made.every(({ isTerminated }) => isTerminated));
  });
