/** Notices of a runtime, as the inspector's tests take them. */

/** @param {string} id @param {object} [more] */
export const event = (id, more = {}) => ({
  ...{ id, ts: 0, type: "mta", pageId: "Home", clickId: "item", pv: false, props: { sku: 7 } },
  ...more,
});

/** @param {string} runId @param {object} [more] */
export const result = (runId, more = {}) => ({
  ...{ runId, taskName: "Rank", value: 1, trigger: "event", waitedFor: null, fallback: null },
  timings: { queuedMs: 1, runMs: 9, inferMs: 4, laneMs: 2, totalMs: 10 },
  backend: { ranker: { name: "wasm", threads: 2 } },
  ...more,
});

/** @param {string} runId @param {string} code @param {number} number */
export const failure = (runId, code, number) => ({
  ...{ runId, taskName: runId.split("-")[0] },
  error: { code, number, message: `it ${code}`, details: {} },
});
