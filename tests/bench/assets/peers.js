// Page side of the peers: starts a worker, talks to it in turns.
window.startWorker = (url) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(url, { type: "module" });
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = () => resolve(worker);
  });

window.ask = (worker, message) =>
  new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(message);
  });

/** Time from worker start to stock Pyodide with the core imported, milliseconds. */
window.coldBootMs = async (pyodideDir, coreZip) => {
  const started = performance.now();
  const worker = await startWorker("/cold-worker.js");
  await ask(worker, { pyodideDir, coreZip });
  const elapsedMs = performance.now() - started;
  worker.terminate();
  return elapsedMs;
};

/** Time from our worker's start to the core's first answer, milliseconds, and the boot's own report. */
window.edgeBootMs = async (config) => {
  let report;
  let started;
  const off = EdgeAI.on("status", (status) => {
    if (status.step === "worker") started = performance.now();
    if (status.state === "ready") report = status.boot;
  });
  await EdgeAI.start({ config, capture: false });
  await EdgeAI.statistics();
  const elapsedMs = performance.now() - started;
  await EdgeAI.stop();
  off();
  return { elapsedMs, report };
};
