/** What the inspector keeps of what it hears, and what its filters show. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  NO_FILTER,
  shownEvents,
  shownLines,
  shownRuns,
  taskNames,
} from "../../js_shim/inspector/filters.js";
import { createJournal } from "../../js_shim/inspector/journal.js";
import { outcomeOf } from "../../js_shim/inspector/outcomes.js";
import { event, failure, result } from "./inspector-notices.js";

test("a run of an event is found beside it, one of another event is not", () => {
  const journal = createJournal();
  journal.take("event", event("e1"), 0);
  journal.take("event", event("e2", { clickId: undefined, pv: true }), 0);
  journal.take("result", result("Rank-e1"), 1_000);
  journal.take("error", failure("Look-e1", "task-timeout", 4002), 1_000);

  const [second, first] = shownEvents(journal.events, journal.runs, NO_FILTER);

  assert.equal(first.event.where, "Home › item");
  assert.deepEqual(
    first.runs.map(({ task, outcome }) => [task, outcome]),
    [
      ["Rank", "ok"],
      ["Look", "late"],
    ],
  );
  assert.equal(second.event.where, "Home");
  assert.deepEqual(second.runs, []);
});

test("a call that fails has its task's name once an answer has told it", () => {
  const journal = createJournal();
  const codes = { systemCode: "demo", businessCode: "rank", tookMs: 30 };
  const error = { code: "queue-full", number: 5001, message: "full", details: {} };
  journal.take("answer", { ...codes, error }, 1_000);
  journal.take("answer", { ...codes, result: result("x-1", { trigger: "api" }) }, 2_000);
  journal.take("answer", { ...codes, error }, 3_000);

  assert.deepEqual(
    journal.runs.map(({ task, outcome, startMs, eventId }) => [task, outcome, startMs, eventId]),
    [
      ["rank", "refused", 970, ""],
      ["Rank", "ok", 1_990, ""],
      ["Rank", "refused", 2_970, ""],
    ],
  );
});

test("the oldest go where there are more than the limit, and long texts are cut", () => {
  const journal = createJournal({ runs: 2, events: 2, lines: 1 });
  for (const id of ["a", "b", "c"]) {
    journal.take("event", event(id, { props: { text: "x".repeat(10_000) } }), 0);
    journal.take("result", result(`Rank-${id}`), 0);
    journal.take("log", { level: "info", message: id.repeat(10_000) }, 0);
  }

  assert.deepEqual(
    journal.runs.map(({ runId }) => runId),
    ["Rank-b", "Rank-c"],
  );
  assert.deepEqual(
    journal.events.map(({ id }) => id),
    ["b", "c"],
  );
  assert.ok(journal.events[0].props.length < 500);
  assert.deepEqual(
    journal.lines.map(({ message }) => message),
    ["c".repeat(2_000)],
  );
});

test("a notice aside changes nothing about the state, and clearing keeps it", () => {
  const journal = createJournal();
  const problem = { code: "bundle-invalid", number: 2002, message: "no", details: {} };
  journal.take("status", { state: "ready", problems: [problem] }, 0);
  journal.take("status", { state: "model", model: "ranker", loadedBytes: 1, totalBytes: 2 }, 0);
  journal.take("status", { state: "role", role: "writer" }, 0);
  journal.take("result", result("Rank-a"), 0);
  journal.take("unheard-of", {}, 0);

  journal.clear();

  assert.equal(journal.status?.state, "ready");
  assert.deepEqual(journal.problems, [problem]);
  assert.equal(journal.downloads.get("ranker")?.loadedBytes, 1);
  assert.deepEqual(journal.runs, []);
});

test("filters narrow by task, outcome and text, newest first", () => {
  const journal = createJournal();
  journal.take("result", result("Rank-a"), 0);
  journal.take("error", failure("Look-b", "task-raised", 4001), 0);
  journal.take("result", result("Rank-c", { fallback: "last" }), 0);
  journal.take("log", { level: "info", message: "Hello", taskName: "Look" }, 0);
  const ids = (/** @type {object} */ filter) =>
    shownRuns(journal.runs, { ...NO_FILTER, ...filter }).map(({ runId }) => runId);
  const lines = (/** @type {object} */ filter) =>
    shownLines(journal.lines, { ...NO_FILTER, ...filter }).length;

  assert.deepEqual(ids({}), ["Rank-c", "Look-b", "Rank-a"]);
  assert.deepEqual(ids({ task: "Rank" }), ["Rank-c", "Rank-a"]);
  assert.deepEqual(ids({ outcome: "fallback" }), ["Rank-c"]);
  assert.deepEqual(ids({ text: " RAISED " }), ["Look-b"]);
  assert.deepEqual([lines({ text: "hello" }), lines({ task: "Rank" })], [1, 0]);
  assert.deepEqual(taskNames(journal.runs, { Search: {} }), ["Look", "Rank", "Search"]);
});

for (const [code, number, outcome] of /** @type {const} */ ([
  ["task-raised", 4001, "failed"],
  ["worker-lost", 3008, "failed"],
  ["deadline-passed", 5002, "late"],
  ["run-superseded", 5008, "cancelled"],
  ["circuit-open", 5010, "refused"],
  ["task-unknown", 1003, "failed"],
])) {
  test(`${code} is ${outcome}`, () => {
    assert.equal(outcomeOf(undefined, { code, number }), outcome);
  });
}
