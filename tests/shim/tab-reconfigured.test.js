/** A configuration that one page puts in force holds for all tabs, and for whichever writes next. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { answered, openTab, opened } from "./fake-tab.js";

const { beatMs } = OFFICE_LIMITS;
const NEXT = { triggers: [1] };
const IN_FORCE = { read: NEXT };

/** What a tab last heard to be in force. @param {ReturnType<typeof openTab>} tab */
const inForce = ({ bodies }) => bodies("reconfigured").at(-1)?.config;

test("the writer applies it, the caller hears what does not hold, every tab what is in force", async () => {
  const { origin, tabs } = await opened(["a", "b", "c"]);
  const [a, b] = tabs;

  const problems = await answered(origin, b.relay.call("reconfigure", { config: NEXT }));

  assert.deepEqual(problems, [{ code: "a problem" }]);
  assert.deepEqual(a.python.asked, [["reconfigure", { config: NEXT }]]);
  assert.deepEqual(tabs.map(inForce), [IN_FORCE, IN_FORCE, IN_FORCE]);
});

test("the next writer starts with it, whoever called and whenever it came", async () => {
  const { origin, store, tabs } = await opened(["a"]);
  const [a] = tabs;
  assert.equal(a.python.booted[0].reconfigured, null);
  await answered(origin, a.relay.call("reconfigure", { config: NEXT }));
  const late = openTab(origin, store, "b");
  await origin.pass(beatMs);

  a.close();
  await origin.pass(beatMs);

  assert.deepEqual(late.states(), ["ready follower", "role writer"]);
  assert.deepEqual(late.python.booted[0].reconfigured, IN_FORCE);
  assert.deepEqual(late.python.booted[0].config, "https://shop.example/config.json");
});

test("one that is refused changes nothing anywhere", async () => {
  const { origin, tabs } = await opened(["a", "b"]);

  const asked = tabs[1].relay.call("reconfigure", { config: {} });
  const refused = assert.rejects(asked, { code: "config-invalid" });
  await origin.settle();
  await refused;

  assert.deepEqual(tabs.map(inForce), [undefined, undefined]);
});
