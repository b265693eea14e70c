/** One life of a runtime worker: from its script to its end. Every promise settles at the latest there. */

import { EdgeError, errorFromPlain } from "./errors.js";
import { handshake } from "./handshake.js";
import { createRpc } from "./rpc.js";
import { watchRuns } from "./run-watch.js";
import { watch } from "./watchdog.js";

/** @import { Rpc } from "./rpc.js" */
/** @import { Message, PlainError, RunWord, StatusBody } from "./protocol.js" */
/** @import { Timers } from "./timers.js" */

/**
 * @typedef {object} SessionOptions
 * @property {string} scriptUrl
 * @property {() => Worker} createWorker
 * @property {unknown} options  Sent with `Start`.
 * @property {Timers} timers
 * @property {{greetingMs: number, bootMs: number, pingMs: number, silenceMs: number, graceMs: number, lookMs: number}} limits
 * @property {(rpc: Rpc) => void} onReady                   Runs before the `ready` status is emitted.
 * @property {(name: string, body: any) => void} onNotice   Everything the worker says, `pong` apart.
 * @property {(reason: string, taskName?: string) => void} onLost  The ready worker crashed or hangs; whose code holds it.
 * @property {(error: EdgeError) => void} onFailed          The ready worker gives up.
 */

/** @typedef {ReturnType<typeof openSession>} WorkerSession */

/**
 * @param {SessionOptions} session
 * @throws {EdgeError} boot-failed: the browser refuses to make the worker. feature-missing.
 */
export function openSession({ limits, timers, ...session }) {
  const worker = createdWorker(session);
  /** @type {Rpc | undefined} */
  let rpc;
  /** @type {(() => void)[]} */
  const releases = [() => worker.terminate(), () => forgetDeadline()];
  let forgetDeadline = () => {};
  /** @type {(error: EdgeError) => void} */
  let fail = () => {};
  /** @type {EdgeError | undefined} */
  let endedBy;

  /** @type {Promise<Rpc>} */
  const ready = new Promise((resolve, reject) => {
    fail = reject;
    const { scriptUrl: name, options } = session;
    handshake(worker, { name, options, deadlineMs: limits.greetingMs, timers }).then(
      (port) => (endedBy ? port.close() : connect(port, resolve)),
      reject,
    );
  });

  /** The deadline is for silence: a boot that goes on, or is tried again, says so. */
  function expectWord(withinMs = limits.bootMs) {
    forgetDeadline();
    forgetDeadline = timers.after(withinMs, () => fail(bootTimeout(withinMs)));
  }

  /**
   * @param {MessagePort} port
   * @param {(rpc: Rpc) => void} resolve
   */
  function connect(port, resolve) {
    const own = createRpc(port, { onNotice, onWord });
    rpc = own;
    expectWord(limits.greetingMs);
    worker.onerror = (event) => {
      const text = `${session.scriptUrl}: expected it to start, got ${crash(event)}.`;
      fail(new EdgeError("boot-failed", text));
    };
    /** @param {string} name @param {any} body */
    function onNotice(name, body) {
      if (name === "pong") return;
      if (name === "run") return runs?.told(body);
      if (name !== "status") return session.onNotice(name, body);
      onStatus(own, body, resolve);
    }
  }

  /** @type {ReturnType<typeof watch> | undefined} */
  let dog;
  /** @type {ReturnType<typeof watchRuns> | undefined} */
  let runs;

  /** @param {Message} message */
  function onWord(message) {
    if (dog) dog.heard();
    else expectWord();
    // Code that holds the worker can still print.
    if (message.kind !== "notice" || message.name !== "log") runs?.heard();
  }

  /**
   * @param {Rpc} own
   * @param {StatusBody} body
   * @param {(rpc: Rpc) => void} resolve
   */
  function onStatus(own, body, resolve) {
    // The supervisor tells of a failure itself, whatever its cause.
    if (body.state === "failed")
      return dog ? session.onFailed(failureOf(body)) : fail(failureOf(body));
    if (body.state === "ready") {
      guard(own);
      resolve(own);
      session.onReady(own);
    }
    session.onNotice("status", body);
  }

  /** @param {Rpc} own */
  function guard(own) {
    worker.onerror = (event) => session.onLost(crash(event));
    const ping = () => own.notify("ping", {});
    dog = watch({
      timers,
      ...limits,
      isBusy: () => own.outstanding > 0,
      ping,
      onSilence: () => session.onLost(`it did not answer for ${limits.silenceMs} ms`),
    });
    runs = watchRuns({ timers, limits, ping, onBlocked: (run) => blocked(own, run) });
    releases.push(dog.stop, runs.stop);
  }

  /**
   * End the worker; the run that holds it ends with its own error.
   * @param {Rpc} own
   * @param {RunWord} run
   */
  function blocked(own, { runId, taskName, callId, isOwn }) {
    const error = tooLong(runId, taskName);
    if (isOwn && callId !== undefined) own.refuse(callId, error);
    session.onLost(`run ${runId} of ${taskName} held it behind its deadline`, taskName);
    if (isOwn && callId === undefined)
      session.onNotice("error", { runId, taskName, error: error.toPlain() });
  }

  return {
    /** Resolves when the worker is ready; rejects when it cannot be, or was ended before. */
    ready,

    /**
     * Terminate the worker and reject what is outstanding; a second call does nothing.
     * @param {EdgeError} reason
     */
    end(reason) {
      if (endedBy) return;
      endedBy = reason;
      for (const release of releases) release();
      worker.onerror = null;
      rpc?.close(reason);
      fail(reason);
    },
  };
}

/** @param {Pick<SessionOptions, "createWorker" | "scriptUrl">} session */
function createdWorker({ createWorker, scriptUrl }) {
  try {
    return createWorker();
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    const text = `${scriptUrl}: expected a worker, got ${error}. Where Trusted Types are required, allow the policy edge-web-runtime.`;
    throw new EdgeError("boot-failed", text, { url: scriptUrl }, error);
  }
}

/** @param {ErrorEvent} event */
function crash(event) {
  // Handled here: the page's own error reporting is not to count it.
  event.preventDefault?.();
  return event.message ? `a crash (${event.message})` : "a crash";
}

/**
 * @param {string} runId
 * @param {string | undefined} taskName
 */
function tooLong(runId, taskName) {
  const text = `run of ${taskName}: expected to end by its deadline, got code that cannot be interrupted. Do less per run.`;
  return new EdgeError("task-timeout", text, { runId });
}

/** @param {number} deadlineMs */
function bootTimeout(deadlineMs) {
  return new EdgeError(
    "boot-timeout",
    `boot: expected word within ${deadlineMs} ms, got none. Try again, or without scripts that hold messages.`,
  );
}

/** @param {StatusBody} body */
function failureOf({ error }) {
  // A failed one always says why.
  return errorFromPlain(/** @type {PlainError} */ (error));
}
