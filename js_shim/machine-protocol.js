/**
 * The messages between the runtime worker and a VM. Shapes only: imports nothing, does nothing.
 *
 * The VM's `Start` carries MachineOptions; everything else goes over the port that came with it. Runtime worker → VM:
 * Parcel, any time after `ready`. VM → runtime worker: FromMachine; it comes from where tasks' code runs, so nothing in
 * it is believed before its shape was checked.
 */

/**
 * @typedef {object} MachineOptions
 * @property {number} memoryBytes  What the interpreter's heap may reach.
 */

/**
 * @typedef {object} Parcel  As in `plain.js`.
 * @property {string} json
 * @property {Uint8Array[]} buffers  Each with a memory of its own; transferred.
 */

/** @typedef {{kind: "ready"} | {kind: "failed", error: PlainError} | ({kind: "message"} & Parcel)} FromMachine */

/** @import { PlainError } from "./protocol.js" */

export {};
