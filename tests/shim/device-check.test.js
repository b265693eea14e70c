/** The device check's steps and report: it always ends, and says what it found. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { median, msText } from "../../demo_h5/pages/check/figures.js";
import { reportText, shortText, verdictOf } from "../../demo_h5/pages/check/report.js";
import { runAtOnce, runInTurn } from "../../demo_h5/pages/check/runner.js";
import { createHandTimers } from "./hand-timers.js";

/** @import { Finding, Mark, Row, Step } from "../../demo_h5/pages/check/runner.js" */

const ABOUT = { agent: "Agent/1", atMs: 0, version: "1.0.0" };
const settle = () => new Promise(setImmediate);
const hang = () => new Promise(() => {});

/** @param {string} code @param {Step["run"]} run @param {string} [needs] @returns {Step} */
const step = (code, run, needs) => ({
  code,
  name: code.toUpperCase(),
  deadlineMs: 100,
  run,
  needs,
});

/** @param {string} code @param {Mark} mark @param {string} [value] @returns {Row} */
const row = (code, mark, value = mark) => ({ code, name: code, mark, value });

/** @returns {Finding} */
const fine = () => ({ mark: "yes", value: "fine" });

test("a step that hangs ends at its deadline, and what needs it is not tried", async () => {
  const timers = createHandTimers();
  /** @type {string[]} */
  const tried = [];
  const note = (/** @type {string} */ code) => () => {
    tried.push(code);
    return fine();
  };
  const steps = [step("a", hang), step("b", note("b"), "a"), step("c", note("c"))];

  const ending = runInTurn(steps, () => {}, timers);
  await settle();
  timers.pass(100);
  const rows = await ending;

  assert.deepEqual(
    rows.map(({ mark, value }) => [mark, value]),
    [
      ["no", "no answer within 0.1 s"],
      ["no", "not tried without: a"],
      ["yes", "fine"],
    ],
  );
  assert.deepEqual(tried, ["c"]);
});

test("a step that throws, at once or later, is a row with the reason", async () => {
  const steps = [
    step("a", () => {
      throw Object.assign(new Error("no way"), { code: "boot-failed" });
    }),
    step("b", () => Promise.reject(undefined)),
    step("c", fine),
  ];

  const rows = await runAtOnce(steps, () => {}, createHandTimers());

  assert.deepEqual(
    rows.map(({ code, mark }) => [code, mark]),
    [
      ["a", "no"],
      ["b", "no"],
      ["c", "yes"],
    ],
  );
  assert.equal(rows[0].value, "boot-failed: no way");
});

test("progress is told while a step runs, and no more behind its end", async () => {
  const timers = createHandTimers();
  /** @type {string[]} */
  const told = [];
  /** @type {(text: string) => void} */
  let progress = () => {};
  const run = (/** @type {(text: string) => void} */ given) => {
    progress = given;
    given("half");
    return hang();
  };

  const ending = runInTurn(
    [step("a", /** @type {any} */ (run))],
    ({ value }) => told.push(value),
    timers,
  );
  await settle();
  timers.pass(100);
  await ending;
  progress("too late");

  assert.deepEqual(told, ["…", "half", "no answer within 0.1 s"]);
});

test("the verdict names what is missing, and a boot that failed above all", () => {
  const verdict = (/** @type {Row[]} */ ...rows) => verdictOf([{ title: "Runtime", rows }]);

  assert.equal(verdict(row("boot", "yes"), row("gpu", "no")).text, "Everything works here.");
  for (const code of ["idb", "task", "warm", "end"])
    assert.match(verdict(row("boot", "yes"), row(code, "no")).text, new RegExp(`not: ${code}\\.`));
  const broken = verdict(row("idb", "no"), row("boot", "no", "boot-failed: no wasm"));
  assert.deepEqual([broken.mark, broken.text.includes("boot-failed: no wasm")], ["no", true]);
});

test("the report has every row, and the short one fits a code that cameras read", () => {
  const rows = Array.from({ length: 200 }, (_, n) =>
    row(`r${n}`, n % 2 ? "yes" : "no", "x".repeat(90)),
  );
  const sections = [{ title: "Browser", rows: [{ ...rows[0], short: "7 ms" }, ...rows.slice(1)] }];

  const text = reportText(sections, ABOUT);
  const short = shortText(sections, { ...ABOUT, agent: "设备".repeat(200) });

  for (const { code, value } of rows) assert.ok(text.includes(`${code}`) && text.includes(value));
  assert.match(short, /^edge-check 1970-01-01T00:00 1\.0\.0\nr0=7 ms r1\+ r2- r3\+/);
  assert.ok(new TextEncoder().encode(short).length <= 900);
});

test("the middle of figures is one figure", () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
  assert.deepEqual([msText(1.25), msText(99.6), msText(12_340)], ["1.3 ms", "100 ms", "12.3 s"]);
});
