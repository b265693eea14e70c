/** Picture decoding on the browser's own codecs, off the main thread. */

import { EdgeError } from "../errors.js";

/** @typedef {{data: Uint8Array, widthPx: number, heightPx: number}} Picture  RGB, row by row. */
/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * Decode a PNG, JPEG or WebP and resize a part of it.
 * @param {Uint8Array} data
 * @param {number} widthPx
 * @param {number} heightPx
 * @param {"cover" | "contain"} fit  `cover`: the part's centre fills the size. `contain`: the whole
 *   part, as large as it fits; one side may come out shorter.
 * @param {number[]} crop  Left, top, right and bottom of the part, as shares of the picture.
 * @returns {Promise<Picture>}
 * @throws {EdgeError} argument-invalid when the bytes are no picture this browser can decode.
 */
export async function decode(data, widthPx, heightPx, fit, crop) {
  const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (data)])).catch(
    (error) => {
      const expected = "expected PNG, JPEG or WebP bytes";
      throw new EdgeError(
        "argument-invalid",
        `picture: ${expected}, got ${data.byteLength} bytes that do not decode.`,
        {},
        error,
      );
    },
  );
  try {
    const part = partOf(bitmap, crop);
    const target = { width: widthPx, height: heightPx };
    if (fit === "contain") return drawn(bitmap, part, largestInside(target, part));
    return drawn(bitmap, centreOf(part, target), target);
  } finally {
    bitmap.close();
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number[]} crop
 * @returns {Box}
 */
function partOf({ width, height }, [left, top, right, bottom]) {
  return {
    left: left * width,
    top: top * height,
    width: (right - left) * width,
    height: (bottom - top) * height,
  };
}

/**
 * @param {{width: number, height: number}} target
 * @param {Box} part
 */
function largestInside(target, part) {
  const scale = Math.min(target.width / part.width, target.height / part.height);
  return {
    width: Math.max(1, Math.round(part.width * scale)),
    height: Math.max(1, Math.round(part.height * scale)),
  };
}

/**
 * @param {Box} part
 * @param {{width: number, height: number}} target
 * @returns {Box}
 */
function centreOf(part, target) {
  const scale = Math.min(part.width / target.width, part.height / target.height);
  const [width, height] = [target.width * scale, target.height * scale];
  return {
    left: part.left + (part.width - width) / 2,
    top: part.top + (part.height - height) / 2,
    width,
    height,
  };
}

/**
 * @param {ImageBitmap} bitmap
 * @param {Box} part
 * @param {{width: number, height: number}} size  Pixels.
 * @returns {Picture}
 */
function drawn(bitmap, part, { width, height }) {
  const context = new OffscreenCanvas(width, height).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context)
    throw new EdgeError("feature-missing", "pictures: expected a 2D canvas in workers, got none.");
  // What is transparent shows as on white paper, not as black.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, part.left, part.top, part.width, part.height, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { data: withoutAlpha(data), widthPx: width, heightPx: height };
}

/** @param {Uint8ClampedArray} rgba */
function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}
