// Our page of the store's figures: tracks the peers' events in batches and asks a task about them.
import { BATCH, PAGES, TYPE, batchesOf, makeEvents } from "./store-events.js";

const DISTINCT = 100_000;
const channel = new MessageChannel();
/** @type {any[][]} What `track` takes: ids and times are its own. */
let batches = [];
let next = 0;

window.startEdge = async () => {
  batches = batchesOf(makeEvents(DISTINCT).map(({ id: _id, ts: _ts, ...event }) => event));
  await EdgeAI.start({ config: "/config.json", capture: false });
};

/**
 * Track `count` events, 1,000 a turn of the page, and time them until all are durable.
 * @param {number} count
 */
window.fillEdge = async (count) => {
  const started = performance.now();
  for (let done = 0; done < count; done += BATCH) {
    for (const event of batches[next++ % batches.length]) EdgeAI.track(event);
    await macrotask();
  }
  await EdgeAI.flush();
  return performance.now() - started;
};

/** Ask the task `business`, about one page or, by default, about all of them. */
window.askEdge = async (
  /** @type {string} */ systemCode,
  /** @type {string} */ businessCode,
  question = {},
) => {
  const extData = { type: TYPE, pageId: PAGES[7], pages: PAGES, ...question };
  return (await EdgeAI.infer({ systemCode, businessCode, extData })).value;
};

/** Time from nothing started to the first answer of the task `count`. */
window.openEdge = async (/** @type {string} */ systemCode, /** @type {object} */ question) => {
  const started = performance.now();
  const starting = EdgeAI.start({ config: "/config.json", capture: false });
  const found = await window.askEdge(systemCode, "count", question);
  const elapsedMs = performance.now() - started;
  await starting;
  return { elapsedMs, found, statistics: await EdgeAI.statistics() };
};

// A timer would wait 4 ms a turn.
function macrotask() {
  return new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}
