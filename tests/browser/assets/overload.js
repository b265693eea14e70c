/** More low runs and events than can be served, while a core task is called; everything is counted. */
(() => {
  const TICK_MS = 10;
  const CALLERS = 8;

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** How a call ended: "ok", or its code. */
  const ended = (system, businessCode) =>
    EdgeAI.infer({ systemCode: system, businessCode }).then(
      () => "ok",
      ({ code }) => code,
    );

  const counted = (counts, outcome) => (counts[outcome] = (counts[outcome] ?? 0) + 1);

  /** How many low runs a second are served when as many are always asked for as can run. */
  window.servedPerS = async (system, durationMs) => {
    const startedMs = performance.now();
    let served = 0;
    const caller = async () => {
      while (performance.now() - startedMs < durationMs) {
        if ((await ended(system, "low")) === "ok") served++;
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return served / ((performance.now() - startedMs) / 1_000);
  };

  /** Call the core task one time after the other while `goesOn`; how long each took, and how they ended. */
  window.callCore = async (system, goesOn) => {
    const [takenMs, outcomes] = [[], {}];
    while (goesOn(takenMs.length)) {
      const askedMs = performance.now();
      counted(outcomes, await ended(system, "core"));
      takenMs.push(performance.now() - askedMs);
      await sleep(TICK_MS);
    }
    return { takenMs, outcomes };
  };

  /** Ask for `perS` low runs a second for so long, every second one by an event; `flood.over` is what `callCore` found meanwhile. */
  window.startFlood = (system, perS, durationMs) => {
    const startedMs = performance.now();
    const flood = { asked: 0, tracked: 0, answered: 0, outcomes: {}, mostOpen: 0, longestGapMs: 0 };
    flood.elapsedMs = 0;
    let isOver = false;
    let lastMs = startedMs;

    const tick = () => {
      const nowMs = performance.now();
      flood.longestGapMs = Math.max(flood.longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
      flood.elapsedMs = nowMs - startedMs;
      // A timer that comes late makes up for it.
      const due = ((flood.elapsedMs / 1_000) * perS) / 2;
      for (; flood.asked < due; flood.asked++) ask();
      for (; flood.tracked < due; flood.tracked++) EdgeAI.track({ type: "flood", pageId: "Test" });
      flood.mostOpen = Math.max(flood.mostOpen, flood.asked - flood.answered);
      // What the test page keeps of all it hears is not the product's memory.
      seen.result.length = 0;
    };
    const ask = async () => {
      counted(flood.outcomes, await ended(system, "low"));
      flood.answered++;
    };
    const timer = setInterval(tick, TICK_MS);
    const core = window.callCore(system, () => !isOver);
    flood.over = (async () => {
      await sleep(durationMs);
      clearInterval(timer);
      isOver = true;
      while (flood.answered < flood.asked) await sleep(TICK_MS);
      return core;
    })();
    window.flood = flood;
  };

  /** The statistics once no run waits or runs. */
  window.atRest = async () => {
    for (;;) {
      const statistics = await EdgeAI.statistics();
      const { queues } = statistics;
      if (Object.values(queues).every(({ waiting, running }) => waiting + running === 0))
        return statistics;
      await sleep(50);
    }
  };

  /**
   * Track exposures as fast as a page can that leaves room for others, and a click with each `clickEvery` of them.
   * How many events wait at the end.
   */
  window.trackTooFast = async (count, clickEvery) => {
    const { port1, port2 } = new MessageChannel();
    const turn = () =>
      new Promise((resolve) => {
        port1.onmessage = resolve;
        port2.postMessage(0);
      });
    const event = { type: "mta.exposure", pageId: "Test", clickId: "banner" };
    for (let n = 0; n < count; await turn()) {
      const endMs = performance.now() + TICK_MS / 2;
      for (; n < count && performance.now() < endMs; n++) {
        EdgeAI.track(event);
        if (n % clickEvery === 0) EdgeAI.track({ type: "mta", pageId: "Test", clickId: "c" });
      }
    }
    return (await EdgeAI.statistics()).page.waiting;
  };
})();
