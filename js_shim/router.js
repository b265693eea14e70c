/**
 * Mirror of the native call, for code shared with the app.
 *
 * `router.to("JDEdgeAI", "infer").putString("systemCode", "s").putString("businessCode", "b")
 *   .extraObject("extData", {}).callBackListener({ onComplete, onError }).jump()`
 *
 * docs/native-mirror.md says of every native concept what it is here.
 */

import { EdgeError } from "./errors.js";

/** @import { RunResult } from "./protocol.js" */
/** @typedef {(params: any) => Promise<Pick<RunResult, "value">>} Infer */

/**
 * @typedef {object} CallBack  Called as methods of this object, which may have a class of its own.
 * @property {(value?: any) => void} [onComplete]     Without a value where the task returned None.
 * @property {(errorCode: number) => void} [onError]  `number` of the error.
 */

/**
 * @typedef {object} NativeCall  One call in the making; every method but `jump` returns it.
 * @property {(key: string, value: string) => NativeCall} putString
 * @property {(key: string, value: unknown) => NativeCall} extraObject
 * @property {(callBack: CallBack | null) => NativeCall} callBackListener
 * @property {(context?: unknown) => void} jump  The native call's context is taken and has no meaning here.
 */

/**
 * @typedef {object} Router
 * @property {(module: string, method: "infer") => NativeCall} to
 */

/**
 * @param {Infer} infer
 * @returns {Router}
 */
export function createRouter(infer) {
  return {
    /**
     * Begin a call.
     * @param {string} module  Name of the native module; any, so that shared code keeps its own.
     * @param {"infer"} method
     * @throws {EdgeError} argument-invalid: any other method.
     */
    to(module, method) {
      if (method === "infer") return new Call(infer);
      throw new EdgeError(
        "argument-invalid",
        `router.to: expected the method infer, got ${module}.${method}.`,
      );
    },
  };
}

/** @implements {NativeCall} */
class Call {
  /** @type {Record<string, unknown>} */
  #params = {};
  /** @type {CallBack} */
  #callBack = {};
  #infer;

  /** @param {Infer} infer */
  constructor(infer) {
    this.#infer = infer;
  }

  /** @param {string} key @param {string} value */
  putString(key, value) {
    this.#params[key] = String(value);
    return this;
  }

  /** @param {string} key @param {unknown} value */
  extraObject(key, value) {
    this.#params[key] = value;
    return this;
  }

  /** @param {CallBack | null} callBack */
  callBackListener(callBack) {
    this.#callBack = callBack ?? {};
    return this;
  }

  /** Send the call; exactly one of the callbacks is called, once. */
  jump() {
    const callBack = this.#callBack;
    this.#infer(this.#params).then(
      // A task that returned None completes without a value, as the native onComplete() does.
      ({ value }) => callBack.onComplete?.(...(value === null ? [] : [value])),
      (error) => callBack.onError?.(error.number),
    );
  }
}
