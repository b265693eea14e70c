// A page that works for each click, and what Event Timing says of them.

// From there to twice as long, evenly: what the browser rounds is to be at any place between its steps.
const WORK_MS = 18;
const GOLDEN_RATIO = 0.618;
const REPORTED_MS = 16;
let clicks = 0;
/** @type {Map<number, number>} Longest duration of each interaction, by its id. */
const interactions = new Map();

function keep({ interactionId, duration }) {
  if (interactionId)
    interactions.set(interactionId, Math.max(duration, interactions.get(interactionId) ?? 0));
}

const timing = new PerformanceObserver((list) => list.getEntries().forEach(keep));
timing.observe({ type: "event", durationThreshold: REPORTED_MS, buffered: true });

document.getElementById("target").addEventListener("click", ({ currentTarget }) => {
  const endMs = performance.now() + WORK_MS * (1 + ((clicks++ * GOLDEN_RATIO) % 1));
  while (performance.now() < endMs);
  currentTarget.style.opacity = currentTarget.style.opacity === "1" ? "0.5" : "1";
});

/** Durations in milliseconds since the last time, once the last is told. */
window.takeInteractionsMs = async () => {
  await new Promise((ok) => setTimeout(ok, 200));
  timing.takeRecords().forEach(keep);
  const durationsMs = [...interactions.values()];
  interactions.clear();
  return durationsMs;
};
