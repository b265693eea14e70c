// Page side of the inference figures: feeds of the models, our task, and raw engines in workers of their own.
const ARRAYS = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

async function told(worker, message) {
  const answer = await ask(worker, message);
  if (answer?.error) throw new Error(answer.error);
  return answer;
}

/** Largest difference over the largest number; 1 where shapes differ. */
function difference(expected, given) {
  if (expected.length !== given.length) return 1;
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  return expected.reduce((most, value, i) => {
    const apart = Math.abs(value - given[i]) / largest;
    return Number.isNaN(apart) ? 1 : Math.max(most, apart);
  }, 0);
}

window.inferBench = {
  feeds: {},
  raws: {},
  /** First output of each side's last run, by side. */
  outputs: {},

  /** Read `/feeds/` into memory. */
  async load() {
    const listed = await (await fetch("/feeds/feeds.json")).json();
    for (const [model, feeds] of Object.entries(listed)) {
      this.feeds[model] = await Promise.all(
        feeds.map(async ({ file, ...feed }) => {
          const buffer = await (await fetch(`/feeds/${file}`)).arrayBuffer();
          return { ...feed, data: new ARRAYS[feed.dtype](buffer) };
        }),
      );
    }
  },

  /** Run our task: it infers `count` times. `options` go to it. */
  async edge(call, model, count, options = {}) {
    const feeds = this.feeds[model].map(({ data, ...feed }) => ({
      ...feed,
      data: new Uint8Array(data.buffer),
    }));
    const started = performance.now();
    const extData = { model, feeds, count, ...options };
    const { value, backend } = await EdgeAI.infer({ ...call, extData });
    const elapsedMs = performance.now() - started;
    this.outputs.edge = new ARRAYS[value.dtype](value.output.slice().buffer);
    return { timesMs: value.timesMs, backend: backend[model], elapsedMs };
  },

  /** Start a raw engine and open a model in it. */
  async openRaw(side, { ortDir, build, threads, model, ...options }) {
    const started = performance.now();
    const worker = await startWorker("/infer-worker.js");
    this.raws[side] = worker;
    await told(worker, { method: "load", ortDir, build, threads });
    const opened = await told(worker, {
      method: "open",
      model: `/models/${model}.onnx`,
      ...options,
    });
    return { ...opened, elapsedMs: performance.now() - started };
  },

  /** Open another model in a raw engine that is up. */
  openAgain(side, model) {
    const worker = this.raws[side];
    return told(worker, { method: "open", model: `/models/${model}.onnx`, provider: "wasm" });
  },

  async raw(side, model, count) {
    const inside = [];
    const roundTrip = [];
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      const answer = await told(this.raws[side], { method: "run", feeds: this.feeds[model] });
      roundTrip.push(performance.now() - started);
      inside.push(answer.runMs);
      this.outputs[side] = answer.outputs[0];
    }
    return { timesMs: inside, roundTripMs: roundTrip };
  },

  closeRaws() {
    for (const worker of Object.values(this.raws)) worker.terminate();
    this.raws = {};
    this.outputs = {};
  },

  difference(side, other) {
    return difference([...this.outputs[side]], [...this.outputs[other]]);
  },
};
