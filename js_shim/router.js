/**
 * Mirror of the native call, for code shared with the app.
 *
 * `router.to("JDEdgeAI", "infer").putString("systemCode", "s").putString("businessCode", "b")
 *   .extraObject("extData", {}).callBackListener({ onComplete, onError }).jump()`
 */

import { EdgeError } from "./errors.js";

/** @typedef {{onComplete?: (...value: unknown[]) => void, onError?: (errorCode: number) => void}} CallBack */

/**
 * @typedef {object} NativeCall  One call in the making; every method but `jump` returns it.
 * @property {(key: string, value: string) => NativeCall} putString
 * @property {(key: string, value: unknown) => NativeCall} extraObject
 * @property {(callBack: CallBack) => NativeCall} callBackListener
 * @property {() => void} jump
 */

/**
 * @param {(params: any) => Promise<{value: unknown}>} infer
 * @returns {{to: (module: string, method: string) => NativeCall}}
 */
export function createRouter(infer) {
  return {
    /**
     * Begin a call.
     * @param {string} module  Name of the native module; any, so that shared code keeps its own.
     * @param {string} method  Only `infer` exists.
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

class Call {
  /** @type {Record<string, unknown>} */
  #params = {};
  /** @type {CallBack} */
  #callBack = {};
  #infer;

  /** @param {(params: any) => Promise<{value: unknown}>} infer */
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

  /** @param {CallBack} callBack */
  callBackListener(callBack) {
    this.#callBack = callBack;
    return this;
  }

  /** Send the call; exactly one of the callbacks is called, once. */
  jump() {
    const { onComplete, onError } = this.#callBack;
    this.#infer(this.#params).then(
      // A task that returned None completes without a value, as the native onComplete() does.
      ({ value }) => (value === null ? onComplete?.() : onComplete?.(value)),
      (error) => onError?.(error.number),
    );
  }
}
