/** The label page: a seller's label is drawn or chosen, read on the device, and checked. */

import { byId, el } from "./dom.js";
import { currentLanguage } from "./i18n.js";
import { SIDE_PX, drawLabel } from "./label-drawing.js";
import {
  clearResult,
  showLabelFailure,
  showReading,
  showResult,
  showResultAgain,
} from "./label-result.js";
import { PHRASES, SAMPLES } from "./label-samples.js";
import { infer } from "./runtime.js";

/** @import { LabelSample } from "./types.js" */

/** Typing rests this long before the label is read again. */
const REST_MS = 500;
/** A picture of one's own is reduced to this: text stays readable, a phone's memory small. */
const LARGEST_SIDE_PX = 1600;

/** A picture chosen later wins: what comes of an earlier one is dropped. */
let turn = 0;
let isOpen = false;
/** @type {LabelSample} */
let sample = SAMPLES[0];
/** @type {AbortController | undefined} */
let reading;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let rest;

const canvas = () => /** @type {HTMLCanvasElement} */ (byId("label-canvas"));
const editor = () => /** @type {HTMLTextAreaElement} */ (byId("label-editor"));

/** Listen to the file input and the editor. */
export function startLabel() {
  const input = /** @type {HTMLInputElement} */ (byId("label-file"));
  input.addEventListener("change", () => {
    if (input.files?.[0]) checkFile(input.files[0]);
    input.value = "";
  });
  editor().addEventListener("input", () => {
    interrupt();
    showReading();
    redraw().catch(() => {});
    rest = setTimeout(checkText, REST_MS);
  });
}

/** The page is visible; at first the first sample is checked, so that there is something to see. */
export function openLabel() {
  if (isOpen) return;
  isOpen = true;
  showLabelTexts();
  choose(sample);
}

/** Show samples, phrases and the answer in the current language. */
export function showLabelTexts() {
  if (!isOpen) return;
  byId("label-tiles").replaceChildren(...SAMPLES.map(tile));
  byId("label-phrases").replaceChildren(...PHRASES.map(phraseButton));
  showResultAgain();
}

/** @param {LabelSample} one */
function tile(one) {
  const picture = /** @type {HTMLCanvasElement} */ (el("canvas", { "aria-hidden": "true" }));
  drawLabel(picture, one.text, one.look).catch(() => {});
  const name = one.name[currentLanguage()];
  const isHere = one === sample && !byId("label-edit").hidden;
  const attributes = { "data-testid": "label-tile", "data-sample": one.id };
  const button = el(
    "button",
    { type: "button", class: "tile", "aria-pressed": String(isHere), ...attributes },
    picture,
    el("span", {}, name),
  );
  button.addEventListener("click", () => choose(one));
  return el("li", {}, button);
}

/** @param {string} phrase */
function phraseButton(phrase) {
  const attributes = { type: "button", class: "phrase", "data-testid": "label-phrase" };
  const button = el("button", attributes, `+ ${phrase}`);
  button.addEventListener("click", () => {
    const [title, ...lines] = editor().value.split("\n");
    const isThere = lines.includes(phrase);
    const others = lines.filter((line) => line !== phrase);
    editor().value = [title, ...(isThere ? others : [phrase, ...lines])].join("\n");
    checkText();
  });
  return button;
}

/** @param {LabelSample} one */
function choose(one) {
  sample = one;
  editor().value = one.text;
  markChosen(one.id);
  clearResult();
  checkText();
}

/** @param {string} id  Of a sample; empty: a picture of one's own, which has no text to edit. */
function markChosen(id) {
  byId("label-edit").hidden = id === "";
  byId("label-result").dataset.sample = id;
  for (const button of byId("label-tiles").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.sample === id));
  }
}

/** What is under way is of no use any more. */
function interrupt() {
  clearTimeout(rest);
  reading?.abort();
  return ++turn;
}

async function redraw() {
  const mine = turn;
  await drawLabel(canvas(), editor().value, sample.look, () => mine === turn);
}

function checkText() {
  const type = sample.look.isPhoto ? "image/jpeg" : "image/png";
  check(async () => {
    await redraw();
    return blobOf(type);
  });
}

/** @param {File} file */
function checkFile(file) {
  markChosen("");
  clearResult();
  // Until this one is there, nothing stands for it.
  canvas().width = SIDE_PX;
  check(async () => {
    await drawFile(file);
    return blobOf("image/jpeg");
  });
}

/**
 * Read the label; a check that is no longer wanted is cancelled.
 * @param {() => Promise<Blob>} makePicture
 */
async function check(makePicture) {
  const mine = interrupt();
  reading = new AbortController();
  const { signal } = reading;
  showReading();
  try {
    const picture = await makePicture();
    if (mine !== turn) return;
    const answer = await infer("ocr", { picture }, { signal, supersedeKey: "label" });
    if (mine === turn) showResult(answer);
  } catch (error) {
    if (mine === turn) showLabelFailure(/** @type {Error & {code?: string}} */ (error));
  }
}

/** @param {File} file */
async function drawFile(file) {
  const mine = turn;
  const bitmap = await createImageBitmap(file).catch((error) => {
    throw Object.assign(new Error(error.message), { code: "argument-invalid" });
  });
  if (mine !== turn) return;
  const scale = Math.min(1, LARGEST_SIDE_PX / Math.max(bitmap.width, bitmap.height));
  canvas().width = Math.max(1, Math.round(bitmap.width * scale));
  canvas().height = Math.max(1, Math.round(bitmap.height * scale));
  canvas().getContext("2d")?.drawImage(bitmap, 0, 0, canvas().width, canvas().height);
  bitmap.close();
}

/**
 * @param {string} type
 * @returns {Promise<Blob>}
 */
function blobOf(type) {
  return new Promise((resolve, reject) => {
    const take = (/** @type {Blob | null} */ blob) =>
      blob ? resolve(blob) : reject(new Error("canvas: expected a picture, got none."));
    canvas().toBlob(take, type, 0.92);
  });
}
