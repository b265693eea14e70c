/** The catalogue of what runs without Python: models with their tensors, and the tasks that are nothing but a model. */

import { EdgeError } from "../errors.js";

/** @import { NativeDtype } from "./native-port.js" */

/**
 * @typedef {object} TensorSpec
 * @property {string} name
 * @property {NativeDtype} dtype
 * @property {(number | null)[]} shape   null: a free axis.
 * @property {"int64"} [narrowFrom]      Of an int32 input: int64 feeds are taken where each value fits.
 */

/**
 * @typedef {object} NativeModel  With a `file`, or with a `url` and its digest.
 * @property {string} [file]     In the mini-program's package.
 * @property {string} [url]
 * @property {string} [sha256]   64 hex digits.
 * @property {0 | 1 | 2 | 3 | 4} [precisionLevel]  4, the default, is exact float32; 0 the fastest.
 * @property {boolean} [allowNPU]
 * @property {boolean} [allowQuantize]
 * @property {Record<string, number[]>} [typicalShape]  Of inputs with free axes.
 * @property {TensorSpec[]} inputs
 * @property {TensorSpec[]} outputs
 */

/**
 * @typedef {object} NativeTask
 * @property {string} taskName
 * @property {string} systemCode
 * @property {string} businessCode
 * @property {string} [model]  The whole task is one run of it; without one it is written in Python.
 */

/** @typedef {{models: Record<string, NativeModel>, tasks: NativeTask[]}} Catalogue */

/** Bytes of one element. @type {Readonly<Record<NativeDtype, number>>} */
export const SIZES = Object.freeze({ uint8: 1, int8: 1, uint32: 4, int32: 4, float32: 4 });

/** What to do instead. @type {Record<string, string>} */
const INSTEAD = {
  int64: "Export the model with int32, and declare the input int32 with narrowFrom int64",
  uint64: "Export the model with uint32",
  bool: "Export the model with uint8",
  float16: "Export the model with float32, and choose a precisionLevel below 3",
  float64: "Export the model with float32",
};

/**
 * @param {any} catalogue
 * @returns {Catalogue}
 * @throws {EdgeError} config-invalid: names the place
 */
export function checkCatalogue(catalogue) {
  if (!isRecord(catalogue?.models)) throw invalid("models", "an object", catalogue?.models);
  if (!Array.isArray(catalogue.tasks)) throw invalid("tasks", "a list", catalogue.tasks);
  for (const [name, model] of Object.entries(catalogue.models)) checkModel(`models.${name}`, model);
  catalogue.tasks.forEach((/** @type {any} */ task, /** @type {number} */ at) =>
    checkTask(`tasks[${at}]`, task, catalogue.models),
  );
  return catalogue;
}

/** @param {string} where @param {any} model */
function checkModel(where, model) {
  const { file, url, sha256, precisionLevel = 4 } = model ?? {};
  if (!isText(file) && !isText(url)) throw invalid(where, "a file, or a url with sha256", model);
  if (!isText(file) && !/^[0-9a-f]{64}$/.test(sha256))
    throw invalid(`${where}.sha256`, "64 hex digits", sha256);
  if (![0, 1, 2, 3, 4].includes(precisionLevel))
    throw invalid(`${where}.precisionLevel`, "0 to 4", precisionLevel);
  for (const side of ["inputs", "outputs"]) {
    if (!Array.isArray(model[side])) throw invalid(`${where}.${side}`, "a list", model[side]);
    model[side].forEach((/** @type {any} */ spec) => checkSpec(`${where}.${side}`, spec));
  }
}

/** @param {string} where @param {any} spec */
function checkSpec(where, spec) {
  if (!isText(spec?.name)) throw invalid(where, "a name", spec?.name);
  const place = `${where}.${spec.name}`;
  if (!(spec.dtype in SIZES))
    throw invalid(
      `${place}.dtype`,
      `one of ${Object.keys(SIZES).join(", ")}`,
      spec.dtype,
      INSTEAD[spec.dtype],
    );
  if (!Array.isArray(spec.shape) || !spec.shape.every(isAxis))
    throw invalid(`${place}.shape`, "a list of sizes, null for a free axis", spec.shape);
  if (spec.narrowFrom !== undefined && (spec.narrowFrom !== "int64" || spec.dtype !== "int32"))
    throw invalid(`${place}.narrowFrom`, "int64 at an int32 input", spec.narrowFrom);
}

/** @param {string} where @param {any} task @param {Record<string, NativeModel>} models */
function checkTask(where, task, models) {
  for (const key of ["taskName", "systemCode", "businessCode"])
    if (!isText(task?.[key])) throw invalid(`${where}.${key}`, "a text", task?.[key]);
  if (task.model !== undefined && !Object.keys(models).includes(task.model))
    throw invalid(`${where}.model`, `one of ${Object.keys(models).join(", ")}`, task.model);
}

/** @param {unknown} size */
function isAxis(size) {
  return size === null || (Number.isInteger(size) && Number(size) >= 0);
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === "string" && value !== "";
}

/** @param {unknown} value */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} where
 * @param {string} expected
 * @param {unknown} got
 * @param {string} [advice]
 */
function invalid(where, expected, got, advice = "Correct the catalogue") {
  const text = `catalogue.${where}: expected ${expected}, got ${JSON.stringify(got)}. ${advice}.`;
  return new EdgeError("config-invalid", text, { path: where });
}
