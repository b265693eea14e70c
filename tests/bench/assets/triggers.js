// Our page of the triggers' figures: tracks clicks on many pages, few of which buy something.
const BATCH = 1_000;
const channel = new MessageChannel();

window.startQuiet = async () => {
  await EdgeAI.start({ config: "/config.json", capture: false });
};

/** Track `count` clicks, a batch a turn of the page, and time them until all are durable. */
window.trackAll = async (count, pages, clicks, firesEvery) => {
  const started = performance.now();
  for (let number = 0; number < count; number++) {
    const page = (number * 7) % pages;
    const buy = number % firesEvery === firesEvery - 1;
    // The click of this page that a trigger without any further condition waits for.
    const click = buy ? (3 * page) % clicks : number % clicks;
    const clickId = `c${click}`;
    EdgeAI.track({ type: "bench", pageId: `Page${page}`, clickId, props: { buy, number } });
    if (number % BATCH === BATCH - 1) await macrotask();
  }
  await EdgeAI.flush();
  return [performance.now() - started, await EdgeAI.statistics()];
};

// A timer would wait 4 ms a turn.
function macrotask() {
  return new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}
