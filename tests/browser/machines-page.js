/** Starts VMs for a test and passes it what they say. */

import { Machines } from "../../js_shim/host/machines.js";

/** @typedef {{machine: any, said: any[], waiting: ((value: any) => void)[], ended: string[]}} Entry */

/** @type {Entry[]} */
const entries = [];
const page = /** @type {any} */ (globalThis);

page.startMachine = async (
  /** @type {{url: string, memoryBytes: number}} */ { url, memoryBytes },
) => {
  /** @type {Entry} */
  const entry = { machine: undefined, said: [], waiting: [], ended: [] };
  const startedMs = performance.now();
  entry.machine = new Machines(new URL(url, location.href).href).start(
    memoryBytes,
    (json, buffers) => {
      const message = { json: JSON.parse(json), buffers: buffers.map((each) => [...each]) };
      const waiting = entry.waiting.shift();
      if (waiting) waiting(message);
      else entry.said.push(message);
    },
    (reason) => {
      entry.ended.push(reason);
      for (const each of entry.waiting.splice(0)) each({ ended: reason });
    },
  );
  try {
    await entry.machine.ready;
  } catch (error) {
    return { error: /** @type {any} */ (error).code, message: /** @type {any} */ (error).message };
  }
  return { id: entries.push(entry) - 1, readyMs: performance.now() - startedMs };
};

page.post = (
  /** @type {number} */ id,
  /** @type {string} */ json,
  /** @type {number[][]} */ buffers,
) =>
  entries[id].machine.post(
    json,
    buffers.map((each) => Uint8Array.from(each)),
  );

page.postFile = async (
  /** @type {number} */ id,
  /** @type {string} */ json,
  /** @type {string} */ url,
) => {
  const response = await fetch(url);
  entries[id].machine.post(json, [new Uint8Array(await response.arrayBuffer())]);
};

page.next = (/** @type {number} */ id) => {
  const entry = entries[id];
  const said = entry.said.shift();
  if (said) return said;
  if (entry.ended.length) return { ended: entry.ended[0] };
  return new Promise((resolve) => entry.waiting.push(resolve));
};

page.kill = (/** @type {number} */ id) => entries[id].machine.kill();
page.endings = (/** @type {number} */ id) => entries[id].ended;
page.isLoaded = true;
