// Both pages: the time from the navigation to the first answer, and those of further calls.
const VALUES = Array.from({ length: 16 }, (_, index) => index / 4);

window.firstScore = (async () => {
  const { start, call } = window.scoreBench;
  await start();
  const value = await call(VALUES);
  return { elapsedMs: performance.now(), value };
})();

window.timedScores = async (count) => {
  const { call } = window.scoreBench;
  const [timesMs, values] = [[], []];
  for (let number = 0; number < count; number++) {
    const started = performance.now();
    values.push(await call(VALUES));
    timesMs.push(performance.now() - started);
  }
  return { timesMs, values };
};
