/** The photo page: a picture goes to RecognisePhoto, its best labels come back. */

import { stripCard } from "./card.js";
import { byId, el, msOf } from "./dom.js";
import { currentLanguage, t } from "./i18n.js";
import { productOf } from "./products.js";
import { infer } from "./runtime.js";

/** @import { Photo, RecogniseResult } from "./types.js" */

const LABELS_SHOWN = 3;
const PREVIEW_PX = 448;
/** A photo chosen later wins: an answer that comes after it is dropped. */
let turn = 0;
/** @type {RecogniseResult | null} */
let latest = null;

/** Take a photo of the shopper's own from the file input. */
export function startPhotoFile() {
  const input = /** @type {HTMLInputElement} */ (byId("photo-file"));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) recognise(Promise.resolve(file), file.name);
    input.value = "";
  });
}

/** Show the sample photos, named in the current language. */
export async function showSamples() {
  const photos = /** @type {Photo[]} */ (await (await fetch("/photos.json")).json());
  byId("photo-tiles").replaceChildren(...photos.map(tile));
  const credits = photos.map(({ credit, licence }) => `${credit} (${licence})`).join(" · ");
  byId("photo-credits").textContent = t("photoCredits", { credits });
  if (latest) showLabels(latest);
}

/** @param {Photo} photo */
function tile(photo) {
  const name = currentLanguage() === "zh" ? photo.titleZh : photo.title;
  const url = `/photos/${photo.file}`;
  const picture = el("img", {
    src: url,
    alt: "",
    width: 96,
    height: 96,
    loading: "lazy",
  });
  const button = el(
    "button",
    {
      type: "button",
      class: "tile",
      "data-testid": "photo-tile",
      "data-photo": photo.file,
    },
    picture,
    el("span", {}, name),
  );
  const fetched = async () => (await fetch(url)).blob();
  button.addEventListener("click", () => recognise(fetched(), photo.file));
  return el("li", {}, button);
}

/**
 * @param {Promise<Blob>} coming
 * @param {string} name  Of its file.
 */
async function recognise(coming, name) {
  const mine = ++turn;
  latest = null;
  const result = byId("photo-result");
  result.dataset.state = "busy";
  result.dataset.photo = name;
  result.replaceChildren(el("p", { class: "busy" }, t("photoBusy")));
  byId("photo-preview").hidden = true;
  try {
    const photo = await coming;
    if (mine !== turn) return;
    showPreview(photo, mine).catch(() => {});
    const answer = await infer("recognise", { photo });
    if (mine === turn) showLabels(answer);
  } catch (error) {
    if (mine === turn) showFailure(/** @type {Error & {code?: string}} */ (error));
  }
}

/**
 * @param {Blob} photo
 * @param {number} mine  Its turn; a large picture may take longer than the next one.
 */
async function showPreview(photo, mine) {
  const bitmap = await createImageBitmap(photo);
  if (mine !== turn) return bitmap.close();
  const canvas = /** @type {HTMLCanvasElement} */ (byId("photo-preview"));
  const context = canvas.getContext("2d");
  canvas.width = PREVIEW_PX;
  canvas.height = PREVIEW_PX;
  const side = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  context?.drawImage(bitmap, left, top, side, side, 0, 0, PREVIEW_PX, PREVIEW_PX);
  bitmap.close();
  canvas.hidden = false;
}

/** @param {RecogniseResult} answer */
function showLabels(answer) {
  latest = answer;
  const { timings, backend } = answer;
  const rows = answer.value.labels.slice(0, LABELS_SHOWN).map(({ label, probability }) => {
    const fill = el("span", { class: "fill" });
    fill.style.setProperty("--share", String(probability));
    return el(
      "li",
      {
        "data-testid": "photo-label",
        "data-label": label,
        "data-probability": probability,
      },
      el("span", { class: "label" }, label),
      el("span", { class: "percent" }, `${(probability * 100).toFixed(1)}%`),
      el("span", { class: "bar", "aria-hidden": "true" }, fill),
    );
  });
  const [ms, infer] = [msOf(timings.totalMs), msOf(timings.inferMs)];
  const name = backend.classifier?.name ?? "";
  const result = byId("photo-result");
  Object.assign(result.dataset, { state: "done", totalMs: ms, inferMs: infer, backend: name });
  const cost = t("photoDone", { ms, infer, backend: name });
  result.replaceChildren(
    el("ol", { class: "labels" }, ...rows),
    el("p", { class: "fine" }, cost),
    ...nearest(answer.value.nearest),
  );
}

/**
 * The shop's products that are like the photo, and what was compared.
 * @param {RecogniseResult["value"]["nearest"]} near
 */
function nearest(near) {
  const cards = near.flatMap(({ item, score, look }) => {
    const product = productOf(item);
    const caption = t("photoLook", { look, score: score.toFixed(2) });
    return product ? [stripCard(product, caption)] : [];
  });
  const title = el("h2", { id: "near-title" }, t("photoNear"));
  const list = el("ul", { class: "strip near", "aria-labelledby": "near-title" }, ...cards);
  const found = cards.length > 0 ? list : el("p", {}, t("photoNearNone"));
  return [title, found, el("p", { class: "fine" }, t("photoNearHow"))];
}

/** @param {Error & {code?: string}} error */
function showFailure(error) {
  const isPhoto = error.code === "argument-invalid";
  const result = byId("photo-result");
  result.dataset.state = "failed";
  result.replaceChildren(
    el("p", { class: "sorry" }, t("photoFailed")),
    el("p", {}, isPhoto ? t("photoFailedHint") : t("photoLater")),
    el("p", { class: "fine" }, error.message),
  );
}
