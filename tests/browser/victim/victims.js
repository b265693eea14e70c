/** Victims from outside: workers that are ended, or whose connections are cut, at a call of the test's choice. */

import { EdgeError } from "../../../js_shim/errors.js";
import { createRpc } from "../../../js_shim/rpc.js";
import { serving } from "../../../js_shim/rpc-serving.js";

/**
 * @typedef {object} Blow
 * @property {number} call  Which of the victim's calls, counted from 0.
 * @property {"before" | "under way" | "after"} when  Before it is sent, right behind that, or behind its effect.
 * @property {number} delayMs  Under way: how long it may run.
 * @property {"kill" | "cut" | "sever" | "upgrade" | "deny"} kind
 *   `kill`: the worker ends. `cut`, `sever`: its connections do, see victim-worker.js. `upgrade`: another tab opens its
 *   databases under higher versions. `deny`: they are severed, and whoever asked hears of a failure, although behind
 *   its effect the call was done.
 */

const METHODS = {
  storage: ["open", "get", "read", "write", "close", "erase"],
  crypto: [
    ...["openRoot", "deleteRoot", "createKey", "loadKey", "seal", "unseal"],
    ...["readNote", "writeNote", "erase"],
  ],
};

const created = () => new Worker("/victim-worker.js", { type: "module" });
// Loading takes longer than most of their lives, so the next one loads meanwhile.
let spare = created();

function nextWorker() {
  const worker = spare;
  spare = created();
  return worker;
}

const never = () => new Promise(() => {});

/** One worker with storage and keys. */
export class Victim {
  /** @type {string[]} Its calls since the last blow was announced. */
  calls = [];
  isDead = false;
  /** @type {() => void} */
  #onDeath = () => {};
  died = new Promise((resolve) => (this.#onDeath = () => resolve(undefined)));
  #worker = nextWorker();
  #channel = new MessageChannel();
  #rpc = createRpc(this.#channel.port1, { serve: serving({ before: () => this.#before() }) });
  /** @type {() => Promise<boolean>} What Python does in the middle of `storage.erase`. */
  #before = async () => true;
  #runtimes = 0;
  #device = "";
  /** @type {Blow | undefined} */
  #blow;

  constructor() {
    const port = this.#channel.port2;
    this.#worker.postMessage({ port }, [port]);
  }

  /**
   * Announce a blow; without one nothing happens.
   * @param {Blow["call"]} [call]
   * @param {Blow["when"]} [when]
   * @param {Blow["kind"]} [kind]
   * @param {Blow["delayMs"]} [delayMs]
   */
  expect(call = -1, when = "before", kind = "kill", delayMs = 0) {
    this.calls = [];
    this.#blow = { call, when, kind, delayMs };
  }

  /**
   * Return the ports of another runtime in it, as Python is given the real ones.
   * @param {string} device  Whose databases they open.
   */
  begin(device) {
    const runtime = this.#runtimes++;
    this.#device = device;
    this.#rpc.call("begin", { runtime, device });
    /** @param {"storage" | "crypto"} part */
    const port = (part) => {
      const methods = METHODS[part].map((method) => [
        method,
        (/** @type {any[]} */ ...args) => this.#call({ runtime, part, method, args }),
      ]);
      return Object.fromEntries(methods);
    };
    return { storage: port("storage"), crypto: port("crypto") };
  }

  /** End it; who still waits for an answer will never get one. */
  kill() {
    this.isDead = true;
    this.#worker.terminate();
    this.#channel.port1.onmessage = null;
    this.#onDeath();
    return never();
  }

  /** @param {{part: string, method: string, args: any[]}} call */
  #call(call) {
    if (this.isDead) return never();
    if (call.part === "storage" && call.method === "erase" && call.args[1])
      this.#before = call.args.pop();
    const number = this.calls.push(`${call.part}.${call.method}`) - 1;
    const send = () => this.#rpc.call("call", call);
    if (this.#blow?.call !== number) return send();
    const { kind, when } = this.#blow;
    if (kind === "kill") return this.#killed(this.#blow, send);
    return kind === "deny" ? this.#denied(when, send) : this.#disturbed(kind, when, send);
  }

  /**
   * @param {Blow} blow
   * @param {() => Promise<any>} send
   */
  #killed({ when, delayMs }, send) {
    const kill = () => this.kill();
    if (when === "before") return kill();
    const answer = send();
    if (when === "after") return answer.then(kill, kill);
    if (delayMs === 0) return kill();
    setTimeout(kill, delayMs);
    return never();
  }

  /**
   * @param {Blow["when"]} when
   * @param {() => Promise<any>} send
   */
  async #denied(when, send) {
    if (when === "after") await send();
    this.#rpc.notify("sever", {});
    throw new EdgeError("storage-failed", "expected an answer, got a cut connection.");
  }

  /**
   * @param {"cut" | "sever" | "upgrade"} kind
   * @param {Blow["when"]} when
   * @param {() => Promise<any>} send
   */
  async #disturbed(kind, when, send) {
    const names = [`edge-store-${this.#device}`, `edge-keys-${this.#device}`];
    const disturb = () =>
      // Who erases does not let go before it has made the call that is held up here.
      kind === "upgrade" ? within(Promise.all(names.map(upgrade))) : this.#rpc.notify(kind, {});
    const answer = when === "before" ? undefined : send();
    if (when === "after") await answer;
    await disturb();
    return answer ?? send();
  }
}

const PATIENCE_MS = 200;

/** @param {Promise<unknown>} promise  Settles by itself later, if it takes longer. */
function within(promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

/**
 * What a tab with a newer build does: open a database under a higher version, and let go of it.
 * @param {string} name
 */
async function upgrade(name) {
  const found = await opened(name);
  found.close();
  (await opened(name, found.version + 1)).close();
}

/**
 * @param {string} name
 * @param {number} [version]
 * @returns {Promise<IDBDatabase>}
 */
function opened(name, version) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
