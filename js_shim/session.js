/** One model open in the engine, with what is known about where it runs. */

import { executionProvider } from "./ort-loader.js";
import { engineFailure, failed } from "./realm-failure.js";
import { toOrtTensor, toWireSpec, toWireTensor } from "./tensors.js";

/** @import { External, OpenParams, Placement, Target, WireSpec, WireTensor } from "./inference-protocol.js" */
/** @import { WatchedDevice } from "./gpu-device.js" */
/** @import { Work } from "./placement.js" */
/** @typedef {typeof import("onnxruntime-web")} Ort */
/** @typedef {import("onnxruntime-web").InferenceSession} OrtSession */

/**
 * @typedef {object} Engine
 * @property {Ort} ort
 * @property {Work} work
 * @property {WatchedDevice} [device]  WebGPU's.
 */

const ERROR = 3;

export class Session {
  #engine;
  #name;
  #target;
  #session;
  #hasDispatched = false;

  /**
   * @param {Engine} engine
   * @param {string} name
   * @param {Target} target
   * @param {OrtSession} session
   */
  constructor(engine, name, target, session) {
    this.#engine = engine;
    this.#name = name;
    this.#target = target;
    this.#session = session;
  }

  /**
   * @param {Engine} engine
   * @param {OpenParams} params
   * @returns {Promise<{session: Session, specs: {inputs: WireSpec[], outputs: WireSpec[]}, placement: Placement}>}
   */
  static async open(engine, { session: name, data, external, target }) {
    const graphsBefore = engine.work.graphs;
    const model = new Uint8Array(data);
    const created = await engine.ort.InferenceSession.create(
      model,
      sessionOptions(target, external),
    ).catch((error) => {
      throw engineFailure(`session ${name} on ${target.backend}`, error);
    });
    const placement = placementOf(target, engine.work.graphs - graphsBefore);
    try {
      if (placement.onAccelerator === false && target.backend !== "wasm")
        throw elsewhere(name, target);
      const specs = {
        inputs: created.inputMetadata.map(toWireSpec),
        outputs: created.outputMetadata.map(toWireSpec),
      };
      return { session: new Session(engine, name, target, created), specs, placement };
    } catch (error) {
      // What cannot be used keeps no memory.
      await created.release();
      throw error;
    }
  }

  /**
   * @param {WireTensor[]} feeds
   * @returns {Promise<{outputs: WireTensor[], placement: Placement, inferMs: number}>}
   */
  async run(feeds) {
    const { ort, work } = this.#engine;
    const tensors = Object.fromEntries(feeds.map((feed) => [feed.name, toOrtTensor(ort, feed)]));
    const dispatchesBefore = work.dispatches;
    const startedMs = performance.now();
    const named = await this.#session.run(tensors).catch((error) => this.#runFailed(error));
    const inferMs = performance.now() - startedMs;
    this.#refuseDeviceErrors();
    const outputs = await Promise.all(Object.entries(named).map(toWireTensor));
    const placement = this.#placement(work.dispatches - dispatchesBefore, [...feeds, ...outputs]);
    return { outputs, placement, inferMs };
  }

  release() {
    return this.#session.release();
  }

  /** @param {unknown} error @returns {Promise<never>} */
  async #runFailed(error) {
    const reason = await this.#engine.device?.lostReason();
    throw reason === undefined ? engineFailure(`session ${this.#name}`, error) : deviceLost(reason);
  }

  #refuseDeviceErrors() {
    const error = this.#engine.device?.takeErrors();
    if (error) throw failed(`session ${this.#name} on webgpu: ${error}`);
  }

  /**
   * @param {number} dispatches
   * @param {WireTensor[]} tensors
   * @returns {Placement}
   */
  #placement(dispatches, tensors) {
    this.#hasDispatched ||= dispatches > 0;
    const { backend } = this.#target;
    // Without elements there is nothing to do, wherever the model is.
    const isTelling = tensors.every(({ data }) => data.byteLength > 0);
    if (backend !== "wasm" && !this.#hasDispatched && isTelling)
      throw elsewhere(this.#name, this.#target);
    const onAccelerator = backend !== "wasm" && (this.#hasDispatched || null);
    return { onAccelerator, work: dispatches };
  }
}

/** @param {string} reason */
export function deviceLost(reason) {
  const message = `WebGPU: expected the device to live, got its end (${reason}). Open the session again.`;
  return failed(message, { deviceLost: true, poisoned: true });
}

/**
 * @param {Target} target
 * @param {External[]} external
 * @returns {import("onnxruntime-web").InferenceSession.SessionOptions}
 */
function sessionOptions({ backend, device, dimensions }, external) {
  return {
    executionProviders: [executionProvider(backend, device)],
    graphOptimizationLevel: "all",
    logSeverityLevel: ERROR,
    freeDimensionOverrides: dimensions ?? {},
    externalData: external.map(({ path, data }) => ({ path, data: new Uint8Array(data) })),
  };
}

/**
 * @param {Target} target
 * @param {number} graphs
 * @returns {Placement}
 */
function placementOf({ backend }, graphs) {
  const onAccelerator = { wasm: false, webnn: graphs > 0, webgpu: null }[backend];
  return { onAccelerator, work: graphs };
}

/**
 * @param {string} name
 * @param {Target} target
 */
function elsewhere(name, { backend }) {
  const message =
    `session ${name}: expected some of it to run on ${backend}, got all of it on the engine's CPU provider. ` +
    "Give the model fixed dimensions and operators that the backend knows, or use wasm.";
  return failed(message, { unavailable: true });
}
