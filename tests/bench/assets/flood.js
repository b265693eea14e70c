// Our page of the flood: calls a core task, while events ask for more low runs than can ever be served.
const TICK_MS = 10;
const GAP_MS = 5;

window.startFlooded = async () => {
  await EdgeAI.start({ config: "/config.json", capture: false });
};

/** Call the core task `count` times, each after the last one's answer, with `floodPerS` low runs asked for. */
window.callCore = async (systemCode, count, floodPerS = 0) => {
  const before = await lowQueue();
  const started = performance.now();
  const stop = startFlood(floodPerS);
  const takenMs = [];
  for (let number = 0; number < count; number++) {
    const asked = performance.now();
    const call = { systemCode, businessCode: "core", extData: { number } };
    const { value } = await EdgeAI.infer(call);
    takenMs.push(performance.now() - asked);
    if (value !== number) throw new Error(`expected answer ${number}, got ${value}`);
    await sleep(GAP_MS);
  }
  const tracked = stop();
  const elapsedMs = performance.now() - started;
  const low = await drained();
  const since = (name) => low[name] - before[name];
  return {
    takenMs,
    floodPerS: (tracked / elapsedMs) * 1_000,
    low: { finished: since("finished"), refused: since("refused") },
  };
};

/** Track `perS` events a second until the returned function is called, which says how many they were. */
function startFlood(perS) {
  const started = performance.now();
  let tracked = 0;
  // A timer that comes late makes up for it.
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * perS;
    for (; tracked < due; tracked++) EdgeAI.track({ type: "flood", pageId: "Flood" });
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    return tracked;
  };
}

async function drained() {
  for (;;) {
    const low = await lowQueue();
    if (low.waiting + low.running === 0) return low;
    await sleep(50);
  }
}

async function lowQueue() {
  return (await EdgeAI.statistics()).queues.low;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
