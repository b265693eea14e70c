/** Starts a VM in this worker: its limits, its interpreter, the guest in it, and then a realm without powers. */

import { createSteps, startPython } from "./boot.js";
import { toPlainError } from "./errors.js";
import { capHeap } from "./heap-cap.js";
import { createInterpreter } from "./host/interpreter.js";
import { createScrub } from "./realm-scrub.js";
import { ownBuffer } from "./tensors.js";

/** @import { FromMachine, MachineOptions } from "./machine-protocol.js" */
/** @import { Guard } from "./realm-scrub.js" */
/** @typedef {(message: FromMachine, transfer?: any) => void} Send */
/** @typedef {(json: string, buffers: Uint8Array[]) => void} Take */

// Taken here, like the port's own method below: nothing that tasks' code puts into a prototype's place may get an
// event of the port, which has the port in it.
const { apply } = Reflect;
const { get: readData } = /** @type {PropertyDescriptor & {get: () => any}} */ (
  Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data")
);

/**
 * @typedef {object} Place
 * @property {string} root                        URL of the dist folder, with a slash at its end.
 * @property {(python: any) => any} importGuest   Its module, with `boot(interpreter, post)`.
 * @property {Guard[]} [except]                   Guards to leave out, for tests.
 */

/**
 * @param {MessagePort} port  Tells that the VM is ready, or why it is not; then carries its messages.
 * @param {MachineOptions} options
 * @param {Place} place
 */
export async function startMachine(port, { memoryBytes }, { root, importGuest, except }) {
  /** @type {Send} */
  const send = port.postMessage.bind(port);
  const fail = (/** @type {unknown} */ error) =>
    send({ kind: "failed", error: toPlainError(error, "worker-lost") });
  try {
    capHeap(memoryBytes);
    const scrub = createScrub(globalThis, { except });
    scrub.begin();
    const { python } = await startPython(createSteps(() => {}).step, root, () => {});
    python._api.on_fatal = fail;
    const take = bootGuest(importGuest(python), createInterpreter(python), send);
    port.onmessage = receiver(take, fail);
    scrub.finish(python);
    send({ kind: "ready" });
  } catch (error) {
    fail(error);
  }
}

/**
 * @param {any} module
 * @param {ReturnType<typeof createInterpreter>} interpreter
 * @param {Send} send
 * @returns {Take}
 */
function bootGuest(module, interpreter, send) {
  /** @type {Take} */
  const post = (json, buffers) => {
    const owned = buffers.map((each) => new Uint8Array(ownBuffer(each)));
    const transfer = [...new Set(owned.map(({ buffer }) => buffer))];
    send({ kind: "message", json, buffers: owned }, transfer);
  };
  // Looked up once: every look-up of a Python object's attribute makes a new proxy.
  return module.boot(interpreter, post).take;
}

/**
 * @param {Take} take
 * @param {(error: unknown) => void} fail
 * @returns {(event: MessageEvent) => void}
 */
function receiver(take, fail) {
  return (event) => {
    try {
      const data = apply(readData, event, []);
      take(data.json, data.buffers);
    } catch (error) {
      // The guest catches all that is Python's: the interpreter is broken.
      fail(error);
    }
  };
}
