/** Picture decoding on the browser's own codecs, off the main thread. */

import { EdgeError } from "../errors.js";

/**
 * Decode a PNG, JPEG or WebP, crop the centre to the target's aspect ratio and resize.
 * @param {Uint8Array} data
 * @param {number} widthPx
 * @param {number} heightPx
 * @returns {Promise<Uint8Array>}  RGB, `heightPx * widthPx * 3` bytes.
 * @throws {EdgeError} argument-invalid when the bytes are no picture this browser can decode.
 */
export async function decode(data, widthPx, heightPx) {
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
    return withoutAlpha(drawn(bitmap, widthPx, heightPx));
  } finally {
    bitmap.close();
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} widthPx
 * @param {number} heightPx
 */
function drawn(bitmap, widthPx, heightPx) {
  const context = new OffscreenCanvas(widthPx, heightPx).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context)
    throw new EdgeError("feature-missing", "pictures: expected a 2D canvas in workers, got none.");
  const scale = Math.min(bitmap.width / widthPx, bitmap.height / heightPx);
  const [cropWidth, cropHeight] = [widthPx * scale, heightPx * scale];
  const [left, top] = [(bitmap.width - cropWidth) / 2, (bitmap.height - cropHeight) / 2];
  // What is transparent shows as on white paper, not as black.
  context.fillStyle = "white";
  context.fillRect(0, 0, widthPx, heightPx);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left, top, cropWidth, cropHeight, 0, 0, widthPx, heightPx);
  return context.getImageData(0, 0, widthPx, heightPx).data;
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
