// Counts runs from before the runtime is there.

let runs = 0;
let onRun = () => {};
window.EdgeAI = { q: [["on", "result", () => onRun(++runs)]] };

/** Resolves once `count` runs have ended. */
window.ran = (count) =>
  new Promise((ok) => {
    onRun = () => runs >= count && ok(runs);
    onRun();
  });
