/** Worker addresses with and without Trusted Types; each test loads the module anew. */

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
  const { scriptUrl } = await import(`../../js_shim/script-url.js?${++loads}`);
  return scriptUrl;
}

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
