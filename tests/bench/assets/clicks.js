// Before the page's own scripts: times real clicks, from the browser's own stamp to the ranking's callback.
window.clickBench = (() => {
  const answers = [];
  const waiting = new Map();
  let clickedMs = 0;
  let heardMs = 0;

  const note = (/** @type {MouseEvent} */ { timeStamp }) => {
    clickedMs = timeStamp;
    heardMs = performance.now();
  };
  addEventListener("click", note, { capture: true });

  /** Note a ranking, how long ago the click was, how much of that before any script heard it, milliseconds. */
  function answered(ranking, timings = null) {
    const elapsedMs = performance.now() - clickedMs;
    answers.push({ elapsedMs, unheardMs: heardMs - clickedMs, ranking, timings });
    waiting.get(answers.length)?.();
  }

  /** Wait for answer number `count` of those since `reset`, from 1. */
  async function answer(count) {
    if (answers.length < count) await new Promise((resolve) => waiting.set(count, resolve));
    return answers[count - 1];
  }

  function reset() {
    answers.length = 0;
    waiting.clear();
  }

  return { answer, answered, reset };
})();
