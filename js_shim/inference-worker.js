/**
 * The only owner of onnxruntime-web in its realm: opens and runs sessions one at a time, in order.
 *
 * A failed initialisation poisons the realm for good, so the reply to it says `details.poisoned` and the
 * creator ends this worker. Before a session exists the realm can still change its mind about the build;
 * the creator therefore keeps one worker for wasm and one for accelerators.
 */

import { EdgeError } from "./errors.js";
import { greet } from "./handshake.js";
import { loadOrt, missingReason, threadCount } from "./ort-loader.js";
import { answer, createRpc } from "./rpc.js";
import { engineReason, toOrtTensor, toWireSpec, toWireTensor } from "./tensors.js";

/** @import { BackendName } from "./ort-loader.js" */
/** @import { WireTensor } from "./protocol.js" */
/** @typedef {typeof import("onnxruntime-web")} Ort */
/** @typedef {import("onnxruntime-web").InferenceSession} Session */

/** @type {Promise<Ort> | undefined} */
let loading;
/** @type {Map<string, Session>} */
const sessions = new Map();
/** @type {Promise<unknown>} */
let tail = Promise.resolve();

/**
 * Run `action` after everything asked before; a failure does not reach the next one.
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
function inTurn(action) {
  const turn = tail.then(action);
  tail = turn.catch(() => {});
  return turn;
}

/** @param {{model: string, data: ArrayBuffer, backend: BackendName}} params */
async function open({ model, data, backend }) {
  const missing = await missingReason(backend);
  if (missing) throw failed(missing, { unavailable: true });
  const ort = await (loading ??= loadOrt(
    backend,
    new URL(`${__ORT_DIR__}/`, location.href).href,
  )).catch(poisoned);
  const session = await ort.InferenceSession.create(new Uint8Array(data), {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
  }).catch((error) => {
    throw failed(`${backend}: ${engineReason(error)}`, { poisoned: sessions.size === 0 });
  });
  const declared = await specs(session);
  await sessions.get(model)?.release();
  sessions.set(model, session);
  const threads = backend === "wasm" ? threadCount() : 1;
  return { ...declared, backend: { name: backend, threads } };
}

/**
 * What a session declares; one that cannot be used frees its memory.
 * @param {Session} session
 */
async function specs(session) {
  try {
    return {
      inputs: session.inputMetadata.map(toWireSpec),
      outputs: session.outputMetadata.map(toWireSpec),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** @param {{model: string, feeds: WireTensor[]}} params */
async function run({ model, feeds }) {
  const session = sessions.get(model);
  const ort = await loading;
  if (!session || !ort) throw failed(`model ${model}: expected an open session, got none`);
  const tensors = Object.fromEntries(feeds.map((feed) => [feed.name, toOrtTensor(ort, feed)]));
  const startedMs = performance.now();
  const outputs = await session.run(tensors).catch((error) => {
    throw failed(`model ${model}: ${error.message ?? error}`);
  });
  const inferMs = performance.now() - startedMs;
  const wires = await Promise.all(Object.entries(outputs).map(toWireTensor));
  return answer(
    { outputs: wires, inferMs },
    wires.map((wire) => wire.data),
  );
}

/** @param {{model: string}} params */
async function release({ model }) {
  const session = sessions.get(model);
  sessions.delete(model);
  await session?.release();
  return {};
}

/** @param {unknown} error @returns {never} */
function poisoned(error) {
  throw failed(`onnxruntime-web did not load: ${error}`, { poisoned: true });
}

/**
 * @param {string} what
 * @param {Record<string, unknown>} [details]
 */
function failed(what, details = {}) {
  return new EdgeError("inference-failed", what, details);
}

greet((port) => {
  createRpc(port, {
    failure: "inference-failed",
    handlers: {
      open: (params) => inTurn(() => open(params)),
      run: (params) => inTurn(() => run(params)),
      release: (params) => inTurn(() => release(params)),
    },
  });
});
