// The events of the store's figures: one seeded list, the same for everybody, some 160 bytes each as JSON.
export const BATCH = 1_000;
export const TYPE = "mta";
export const PAGES = Array.from({ length: 20 }, (_, i) => `Page${String(i).padStart(2, "0")}`);

const LISTS = ["recommended", "search", "recently-viewed", "also-bought"];
const CLICKS = [undefined, undefined, "item", "item", "add_cart"];
const FIRST_MS = 1_760_000_000_000;
const STEP_MS = 25_920;
// The share of all events that a query's window spans: some 400 of 100,000 are one page's.
const WINDOW = 0.08;

/** @param {number} count */
export function makeEvents(count) {
  const random = seededRandom(11);
  const pick = (/** @type {any[]} */ values) => values[Math.floor(random() * values.length)];
  return Array.from({ length: count }, (_, i) => {
    const ts = FIRST_MS + i * STEP_MS;
    const clickId = pick(CLICKS);
    const props = {
      sku: 10_000_000 + Math.floor(random() * 90_000),
      price: Math.floor(random() * 100_000) / 100,
      list: pick(LISTS),
      position: Math.floor(random() * 60),
    };
    const event = { id: idOf(ts, i), ts, type: TYPE, pageId: pick(PAGES), pv: !clickId, props };
    return clickId ? { ...event, clickId } : event;
  });
}

/** @param {any[]} events */
export function batchesOf(events) {
  const starts = Array.from({ length: Math.ceil(events.length / BATCH) }, (_, i) => i * BATCH);
  return starts.map((start) => events.slice(start, start + BATCH));
}

/** One page's events in a window in the middle: what is asked for, and the right answer. */
export function questionFor(/** @type {any[]} */ events) {
  const middle = Math.floor(events.length * (0.5 - WINDOW / 2));
  const since = events[middle].ts;
  const until = since + Math.floor(events.length * WINDOW) * STEP_MS;
  const pageId = PAGES[7];
  const expected = events.filter(
    (e) => e.pageId === pageId && e.ts >= since && e.ts < until,
  ).length;
  return { question: { type: TYPE, pageId, since, until }, expected };
}

// Ids that sort by time, as an application would choose them: the peers' trees grow at their end.
function idOf(/** @type {number} */ ts, /** @type {number} */ i) {
  return `${ts.toString(16).padStart(12, "0")}-${i.toString(16).padStart(12, "0")}`;
}

function seededRandom(/** @type {number} */ seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
