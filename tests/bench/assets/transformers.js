// Page side: a text to its vector, by our task and by transformers.js.
async function told(worker, message) {
  const answer = await ask(worker, message);
  if (answer?.error) throw new Error(answer.error);
  return answer;
}

async function timed(action) {
  const started = performance.now();
  const vector = await action();
  return { elapsedMs: performance.now() - started, vector: [...vector] };
}

window.embedBench = {
  async startEdge(call) {
    this.call = call;
    await EdgeAI.start({ config: "/config.json", capture: false });
  },

  async startPeer() {
    this.worker = await startWorker("/transformers-worker.js");
    return told(this.worker, { method: "open" });
  },

  edge(text) {
    return timed(async () => {
      const { value } = await EdgeAI.infer({ ...this.call, extData: { text } });
      return value.vector;
    });
  },

  peer(text) {
    return timed(async () => (await told(this.worker, { method: "run", text })).vector);
  },
};
