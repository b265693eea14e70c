// The first listener of all, so that what the shop does with a ranking is not in the figure.
window.EdgeAI = { q: [] };
EdgeAI.q.push([
  "on",
  "result",
  ({ taskName, value, timings }) => {
    if (taskName === "RankFeed") window.clickBench.answered(value, timings);
  },
]);
EdgeAI.q.push(["on", "error", ({ message }) => window.clickBench.answered({ error: message })]);
