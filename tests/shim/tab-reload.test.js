/** A reload asked for in any tab is the writer's to do, and may be asked of the next one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OFFICE_LIMITS } from "../../js_shim/limits.js";
import { answered, opened } from "./fake-tab.js";

const CHANGE = { changed: [{ taskName: "Rank", from: "1", to: "2" }], problems: [] };

test("a follower's reload reaches Python in the writer, once", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [writer, follower] = tabs;

  assert.deepEqual(await answered(origin, follower.relay.call("reload", {})), CHANGE);
  assert.deepEqual(writer.python.asked, [["reload", {}]]);
  assert.deepEqual(follower.python.asked, []);
});

test("a reload that a writer left unanswered is asked of the next one", async () => {
  const { origin, tabs } = await opened(["a", "b"]);
  const [writer, follower] = tabs;

  const reloading = follower.relay.call("reload", {});
  writer.close();
  await origin.pass(OFFICE_LIMITS.beatMs);

  const { value } = await answered(origin, reloading);
  assert.deepEqual(value, CHANGE);
  assert.deepEqual(follower.python.asked, [["reload", {}]]);
});
