/**
 * The only owner of onnxruntime-web in its realm: opens and runs sessions one at a time, in order.
 *
 * It holds one build for one target, that of the first `load`. A failed start, a trap, an exhausted heap or a lost
 * device poison the realm for good: the reply says so in `details.poisoned`, or `doomed` does where nobody asked, and
 * the creator ends this worker.
 */

import { watchDevice } from "./gpu-device.js";
import { greet } from "./handshake.js";
import { watchHeap } from "./heap.js";
import { missingReason, startOrt } from "./ort-loader.js";
import { countWork } from "./placement.js";
import { probe } from "./probe.js";
import { engineFailure, failed, isFatal } from "./realm-failure.js";
import { createRpc } from "./rpc.js";
import { answer, serving } from "./rpc-serving.js";
import { Session, deviceLost } from "./session.js";

/** @import { EdgeError } from "./errors.js" */
/** @import { OpenParams, Opened, Target, WireTensor } from "./inference-protocol.js" */
/** @import { Engine } from "./session.js" */

const heapBytes = watchHeap();
/** @type {Promise<Engine> | undefined} */
let starting;
/** @type {Map<string, Session>} */
const sessions = new Map();
/** @type {Promise<unknown>} */
let tail = Promise.resolve();
/** @type {(error: EdgeError) => void} */
let doom = () => {};

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

/** @param {Target} target */
async function load(target) {
  await (starting ??= start(target));
  return {};
}

/**
 * @param {Target} target
 * @returns {Promise<Engine>}
 */
async function start(target) {
  const missing = await missingReason(target);
  // The engine was not touched, but a lane is for its one target.
  if (missing) throw failed(missing, { unavailable: true, poisoned: true });
  const work = countWork();
  const ort = await startOrt(target, new URL(`${__ORT_DIR__}/`, import.meta.url).href).catch(
    (error) => {
      throw engineFailure("onnxruntime-web did not start", error, { poisoned: true });
    },
  );
  if (target.backend !== "webgpu") return { ort, work };
  const gpu = /** @type {any} */ (await ort.env.webgpu.device);
  return { ort, work, device: watchDevice(gpu, (reason) => doom(deviceLost(reason))) };
}

/**
 * @param {OpenParams} params
 * @returns {Promise<Opened>}
 */
async function open(params) {
  const { session: name, target } = params;
  const engine = await (starting ??= start(target));
  const startedMs = performance.now();
  const { session, specs, placement } = await Session.open(engine, params);
  const openMs = performance.now() - startedMs;
  await sessions.get(name)?.release();
  sessions.set(name, session);
  const { backend, device, threads } = target;
  const reached = { name: backend, ...(device && { device }), threads };
  return { ...specs, backend: reached, placement, heapBytes: heapBytes(), openMs };
}

/** @param {{session: string, feeds: WireTensor[]}} params */
async function run({ session: name, feeds }) {
  const session = sessions.get(name);
  if (!session) throw failed(`session ${name}: expected it to be open, got none of this name`);
  const ran = await session.run(feeds);
  const transfer = ran.outputs.map(({ data }) => data);
  return answer({ ...ran, heapBytes: heapBytes() }, transfer);
}

/** @param {{session: string}} params */
async function release({ session: name }) {
  const session = sessions.get(name);
  sessions.delete(name);
  await session?.release();
  return {};
}

self.addEventListener("unhandledrejection", ({ reason }) => {
  if (isFatal(reason)) doom(engineFailure("onnxruntime-web", reason));
});

greet((port) => {
  const handlers = {
    probe: (/** @type {any} */ { accelerators }) => probe(accelerators),
    load,
    open: (/** @type {any} */ params) => inTurn(() => open(params)),
    run: (/** @type {any} */ params) => inTurn(() => run(params)),
    release: (/** @type {any} */ params) => inTurn(() => release(params)),
  };
  const rpc = createRpc(port, { serve: serving(handlers, "inference-failed") });
  doom = (error) => rpc.notify("doomed", error.toPlain());
});
