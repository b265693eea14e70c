// Page side of the VMs' figures: how long calls of our tasks take, and VMs without a runtime.
import { Machines } from "../../../js_shim/host/machines.js";

const MEMORY_BYTES = 512 * 1024 * 1024;

window.vmBench = {
  /** Start a VM by its worker's script, and end it: the time until it was ready. */
  async startMs(url) {
    const nothing = () => {};
    const started = performance.now();
    const machine = new Machines(new URL(url, location.href).href).start(
      MEMORY_BYTES,
      nothing,
      nothing,
    );
    await machine.ready;
    const elapsedMs = performance.now() - started;
    machine.kill();
    return elapsedMs;
  },

  /** Call `count` times, one after the other: each call's time here, its answer and its timings. */
  async calls(call, count) {
    const found = [];
    for (let number = 0; number < count; number++) {
      const started = performance.now();
      const { value, timings } = await EdgeAI.infer(call);
      found.push({ elapsedMs: performance.now() - started, value, timings });
    }
    return found;
  },

  /** Call at once: the time until all have answered, and what they answered. */
  async together(calls) {
    const started = performance.now();
    const results = await Promise.all(calls.map((call) => EdgeAI.infer(call)));
    const elapsedMs = performance.now() - started;
    return { elapsedMs, values: results.map(({ value }) => value) };
  },

  /** Let a task hang and call another one meanwhile: when that answers, behind the first one's deadline. */
  async recover(hanging, timeoutMs, other, afterMs) {
    const started = performance.now();
    const hung = EdgeAI.infer(hanging).catch(({ code }) => code);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const { value } = await EdgeAI.infer(other);
    const elapsedMs = performance.now() - started - timeoutMs;
    return { elapsedMs, value, hung: await hung };
  },

  /** Take up the bundles that are published now: which changed, and when that was done (Unix time). */
  async reload() {
    const change = await EdgeAI.reload();
    return { doneMs: performance.timeOrigin + performance.now(), change };
  },
};
