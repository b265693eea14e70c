/**
 * `infer` in the logic layer of a WeChat mini-program, which has neither DOM nor Python: for tasks that are one run of a model.
 *
 * `const edge = createNativeEdge({ wx, catalogue }); const { value } = await edge.infer({ systemCode, businessCode, extData });`
 */

import { checkInfer } from "../arguments.js";
import { EdgeError } from "../errors.js";
import { within } from "../timers.js";
import { checkCatalogue } from "./native-catalogue.js";
import { createModelFiles } from "./native-files.js";
import { createNativeModel } from "./native-session.js";
import { fromTensors, toTensors } from "./native-tensors.js";

/** @import { RunResult } from "../protocol.js" */
/** @import { Timers } from "../timers.js" */
/** @import { Catalogue, NativeTask } from "./native-catalogue.js" */
/** @import { NativeHost } from "./native-port.js" */
/** @import { Feed } from "./native-tensors.js" */

/**
 * @typedef {object} NativeInfer
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {Record<string, unknown>} [extData]  Numbers by input: nested lists, a typed array, or one number.
 * @property {Record<string, Feed>} [feeds]       Instead of it: tensors with dtype, shape and bytes.
 * @property {number} [timeoutMs]                 Default 60,000, the first download included.
 */

const TIMEOUT_MS = 60_000;

// The logic layer has no `performance`.
/** @type {Timers} */
const nativeTimers = {
  nowMs: () => Date.now(),
  after(delayMs, action) {
    const id = setTimeout(action, delayMs);
    return () => clearTimeout(id);
  },
};

/**
 * @param {object} options
 * @param {NativeHost} options.wx
 * @param {Catalogue} options.catalogue
 * @param {Timers} [options.timers]
 * @throws {EdgeError} config-invalid
 */
export function createNativeEdge({ wx, catalogue, timers = nativeTimers }) {
  const { models, tasks } = checkCatalogue(catalogue);
  const files = createModelFiles(wx, Object.values(models));
  const open = new Map(
    Object.entries(models).map(([name, model]) => [
      name,
      createNativeModel(wx, name, model, files.pathOf, timers),
    ]),
  );
  /** @type {Set<(error: EdgeError) => void>} */
  const waiting = new Set();
  let isStopped = false;
  let count = 0;

  /**
   * @param {NativeInfer} options
   * @param {NativeTask} task
   * @param {() => boolean} isWanted
   * @returns {Promise<RunResult>}
   */
  async function run({ extData, feeds }, { taskName, model: name }, isWanted) {
    if (!name) throw pythonTask(taskName);
    const askedMs = timers.nowMs();
    const model = models[name];
    const tensors = toTensors(model, feeds ?? extData ?? {}, !feeds);
    const { outputs, inferMs } = await /** @type {any} */ (open.get(name)).run(tensors, isWanted);
    const value = fromTensors(model, outputs);
    const totalMs = timers.nowMs() - askedMs;
    const timings = { queuedMs: totalMs - inferMs, runMs: inferMs, inferMs, laneMs: 0, totalMs };
    const backend = { [name]: { name: "wx-native", threads: 1 } };
    const runId = `${taskName}-n${++count}`;
    return {
      runId,
      taskName,
      value,
      trigger: "api",
      timings,
      backend,
      waitedFor: null,
      fallback: null,
    };
  }

  return {
    EdgeError,

    /**
     * @param {NativeInfer} options
     * @returns {Promise<RunResult>}  Its value: `{dtype, shape, data}` by output.
     * @throws {EdgeError} argument-invalid, task-unknown, feature-missing (a Python task, an old base library), tensor-invalid,
     *   network-failed, digest-mismatch, storage-full, storage-failed, inference-failed, deadline-passed, runtime-stopped
     */
    async infer(options) {
      const { systemCode, businessCode, timeoutMs = TIMEOUT_MS } = checked(options);
      if (isStopped) throw stopped();
      const task = tasks.find(
        (known) => known.systemCode === systemCode && known.businessCode === businessCode,
      );
      if (!task) throw unknownTask(systemCode, businessCode);
      let isWanted = true;
      const late = () => {
        isWanted = false;
        return tooLate(task.taskName, timeoutMs);
      };
      const running = run(options, task, () => isWanted);
      return unlessStopped(within(running, timeoutMs, late, timers));
    },

    /** Closes the models; what waits is refused. */
    stop() {
      isStopped = true;
      waiting.forEach((refuse) => refuse(stopped()));
      open.forEach((model) => model.close());
    },
  };

  /** @template T @param {Promise<T>} answer @returns {Promise<T>} */
  function unlessStopped(answer) {
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      answer.then(resolve, reject).finally(() => waiting.delete(reject));
    });
  }
}

/** @param {any} options @returns {NativeInfer} */
function checked(options) {
  checkInfer({ ...options, signal: undefined });
  const { extData, feeds } = options;
  if (feeds === undefined || (extData === undefined && typeof feeds === "object" && feeds !== null))
    return options;
  throw new EdgeError(
    "argument-invalid",
    "infer.feeds: expected an object instead of extData, got both or another value.",
  );
}

/** @param {string} taskName */
function pythonTask(taskName) {
  const text = `${taskName}: expected a task with a model of its own, got one in Python, which the logic layer has not. Run it in a page in a <web-view>.`;
  return new EdgeError("feature-missing", text, { taskName });
}

/** @param {string} taskName @param {number} timeoutMs */
function tooLate(taskName, timeoutMs) {
  const text = `${taskName}: expected an answer in ${timeoutMs} ms, got none.`;
  return new EdgeError("deadline-passed", text, { taskName });
}

/** @param {string} systemCode @param {string} businessCode */
function unknownTask(systemCode, businessCode) {
  const text = `infer: expected a task of the catalogue, got ${systemCode}/${businessCode}. Add it to tasks.`;
  return new EdgeError("task-unknown", text, { systemCode, businessCode });
}

function stopped() {
  return new EdgeError("runtime-stopped", "infer: expected a running adapter, got a stopped one.");
}
