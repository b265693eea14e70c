// Runs tasks one after the other, with calls and then with events, and tells how each run ended.
const DEADLINE_MS = 30_000;
const revived = (_key, each) =>
  each?.$base64 === undefined
    ? each
    : Uint8Array.from(atob(each.$base64), (char) => char.charCodeAt(0));
const written = (_key, each) =>
  each instanceof Uint8Array ? { $base64: btoa(String.fromCharCode(...each)) } : each;
const ended = (run) => (run.error ? { code: run.error.code } : { value: run.value });

const told = new Set();

window.runAll = async (text, options, codes) => {
  const { activations, events } = JSON.parse(text, revived);
  await EdgeAI.start(options);
  const outcomes = {};
  for (const [systemCode, businessCode] of codes) {
    outcomes[businessCode] = [];
    for (const extData of activations) {
      const call = { systemCode, businessCode, extData, timeoutMs: DEADLINE_MS };
      const run = await EdgeAI.infer(call).catch((error) => ({ error }));
      outcomes[businessCode].push(ended(run));
    }
  }
  for (const event of events) {
    EdgeAI.track(event);
    for (const [, businessCode, taskName] of codes) {
      outcomes[businessCode].push(ended(await nextEnd(taskName)));
    }
  }
  const { vms } = await EdgeAI.statistics();
  return JSON.stringify({ outcomes, mode: vms.mode }, written);
};

/** Resolve with the end of the task's latest run that an event asked for, of which nobody heard yet. */
function nextEnd(taskName) {
  return new Promise((resolve) => {
    const listeners = [];
    const check = () => {
      const isNew = (run) => run.taskName === taskName && !told.has(run.runId);
      const run = [...seen.result, ...seen.error].find(isNew);
      if (!run) return;
      told.add(run.runId);
      for (const off of listeners) off();
      resolve(run);
    };
    listeners.push(EdgeAI.on("result", check), EdgeAI.on("error", check));
    check();
  });
}
