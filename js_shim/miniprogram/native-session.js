/** One open model of the native engine: opened once, run one call at a time, opened again after it failed. */

import { EdgeError } from "../errors.js";
import { within } from "../timers.js";

/** @import { Timers } from "../timers.js" */
/** @import { NativeModel } from "./native-catalogue.js" */
/** @import { NativeHost, NativeSession, NativeTensor } from "./native-port.js" */

const OPEN_MS = 60_000;
/** Behind it a run that gives no answer never will, and those that wait for it get another session. */
const RUN_MS = 120_000;

/**
 * @param {NativeHost} wx
 * @param {string} name
 * @param {NativeModel} model
 * @param {(model: NativeModel) => Promise<string>} pathOf
 * @param {Timers} timers
 */
export function createNativeModel(wx, name, model, pathOf, timers) {
  /** @type {Promise<NativeSession> | undefined} */
  let opening;
  /** @type {NativeSession | undefined} The open one. */
  let current;
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  let isClosed = false;

  async function open() {
    const path = await pathOf(model);
    const session = createSession(wx, name, path, model);
    const late = () => failed(name, "the model to open", `nothing in ${OPEN_MS} ms`);
    try {
      await within(
        loaded(name, session, () => lost(session)),
        OPEN_MS,
        late,
        timers,
      );
      current = session;
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  /**
   * The next run opens it again.
   * @param {NativeSession} session  One of before, which may still speak, costs no other.
   */
  function lost(session) {
    if (session !== current) return;
    current = opening = undefined;
    session.destroy();
  }

  /**
   * @param {Record<string, NativeTensor>} tensors
   * @param {() => boolean} isWanted
   */
  async function run(tensors, isWanted) {
    if (isClosed || !isWanted())
      throw new EdgeError("run-cancelled", `${name}: nobody waits for this run any more.`);
    opening ??= open();
    const session = await opening.catch((error) => {
      opening = undefined;
      throw error;
    });
    const beganMs = timers.nowMs();
    const late = () => new Error(`nothing in ${RUN_MS} ms`);
    try {
      const outputs = await within(session.run(tensors), RUN_MS, late, timers);
      return { outputs, inferMs: timers.nowMs() - beganMs };
    } catch (error) {
      lost(session);
      throw failed(name, "outputs", reason(error), error);
    }
  }

  return {
    /**
     * @param {Record<string, NativeTensor>} tensors
     * @param {() => boolean} isWanted  Asked when it is this run's turn.
     * @returns {Promise<{outputs: Record<string, NativeTensor>, inferMs: number}>}
     * @throws {EdgeError} inference-failed, run-cancelled, and what getting the file fails with
     */
    run(tensors, isWanted) {
      const running = last.then(() => run(tensors, isWanted));
      last = running.catch(() => {});
      return running;
    },

    close() {
      isClosed = true;
      opening?.then(lost).catch(() => {});
    },
  };
}

/**
 * @param {NativeHost} wx
 * @param {string} name
 * @param {string} path
 * @param {NativeModel} model
 */
function createSession(
  wx,
  name,
  path,
  { precisionLevel = 4, allowNPU, allowQuantize, typicalShape },
) {
  if (!wx.createInferenceSession) {
    const text =
      "infer: expected wx.createInferenceSession, got none. It needs base library 2.30.0.";
    throw new EdgeError("feature-missing", text);
  }
  const option = { model: path, precisionLevel, precesionLevel: precisionLevel };
  const chosen = Object.entries({ allowNPU, allowQuantize, typicalShape }).filter(
    ([, value]) => value !== undefined,
  );
  try {
    return wx.createInferenceSession({ ...option, ...Object.fromEntries(chosen) });
  } catch (error) {
    throw failed(name, "the model to open", reason(error), error);
  }
}

/**
 * @param {string} name
 * @param {NativeSession} session
 * @param {() => void} lost  An error behind the opening.
 * @returns {Promise<void>}
 */
function loaded(name, session, lost) {
  return new Promise((resolve, reject) => {
    let isOpen = false;
    session.onLoad(() => {
      isOpen = true;
      resolve();
    });
    session.onError((error) =>
      isOpen ? lost() : reject(failed(name, "the model to open", reason(error), error)),
    );
  });
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {string} got
 * @param {unknown} [cause]
 */
function failed(name, expected, got, cause) {
  const text = `${name}: expected ${expected}, got ${got}. Are its operators among those of the native engine?`;
  return new EdgeError("inference-failed", text, { model: name }, cause);
}

/** @param {any} error */
function reason(error) {
  return error?.errMsg ?? error?.message ?? String(error);
}
