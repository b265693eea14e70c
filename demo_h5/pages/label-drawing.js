/** Draws a product label on a canvas, from plain text. */

/** @import { LabelLook } from "./types.js" */

export const SIDE_PX = 960;
const BAND_PX = 208;
const MARGIN_PX = 56;
const TITLE_PX = 104;
const LARGEST_LINE_PX = 52;
const LINE_SPACING = 1.55;
const FONT = '"Shop SC", system-ui, sans-serif';
/** Of the photo-like look: how far a pixel may stray from its value. */
const NOISE = 22;

/**
 * Draw one label; resolves when it can be read off the canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {string} text  One line of the label a line.
 * @param {LabelLook} look
 * @param {() => boolean} [isWanted]  Asked when font and icon have come, which takes a while.
 */
export async function drawLabel(canvas, text, look, isWanted = () => true) {
  const lines = text.split("\n").map((line) => line.trim());
  const [icon] = await Promise.all([iconOf(look.art), fontFor(text)]);
  if (!isWanted()) return;
  canvas.width = SIDE_PX;
  canvas.height = SIDE_PX;
  const context = canvas.getContext("2d", { willReadFrequently: look.isPhoto });
  if (!context) return;
  context.textBaseline = "middle";
  drawGround(context, look);
  drawTitle(context, lines[0] ?? "", icon);
  drawLines(context, lines.slice(1), look);
  if (look.isPhoto) makePhoto(context);
}

/** Text drawn before its font is there would stay in another one. @param {string} text */
async function fontFor(text) {
  const weights = ["400", "700"].map((weight) =>
    document.fonts.load(`${weight} 48px ${FONT}`, text),
  );
  await Promise.allSettled(weights);
}

/** @param {string} art */
async function iconOf(art) {
  const icon = new Image();
  icon.src = `/art/${art}.svg`;
  await icon.decode().catch(() => {});
  return icon;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {LabelLook} look
 */
function drawGround(context, look) {
  context.fillStyle = look.paper;
  context.fillRect(0, 0, SIDE_PX, SIDE_PX);
  context.fillStyle = look.band;
  context.fillRect(0, 0, SIDE_PX, BAND_PX);
  context.strokeStyle = look.band;
  context.lineWidth = 6;
  context.strokeRect(24, BAND_PX + 24, SIDE_PX - 48, SIDE_PX - BAND_PX - 48);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} title
 * @param {HTMLImageElement} icon
 */
function drawTitle(context, title, icon) {
  const iconPx = 136;
  const room = SIDE_PX - 3 * MARGIN_PX - iconPx;
  context.fillStyle = "#ffffff";
  setFont(context, title, 700, TITLE_PX, room);
  context.fillText(title, MARGIN_PX, BAND_PX / 2);
  const [left, top] = [SIDE_PX - MARGIN_PX - iconPx, (BAND_PX - iconPx) / 2];
  context.beginPath();
  context.arc(left + iconPx / 2, BAND_PX / 2, iconPx / 2 + 12, 0, 2 * Math.PI);
  context.fill();
  if (icon.naturalWidth > 0) context.drawImage(icon, left + 12, top + 12, iconPx - 24, iconPx - 24);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string[]} lines
 * @param {LabelLook} look
 */
function drawLines(context, lines, look) {
  const room = SIDE_PX - BAND_PX - 2 * MARGIN_PX;
  const step = Math.min(room / Math.max(1, lines.length), LARGEST_LINE_PX * LINE_SPACING);
  context.fillStyle = look.ink;
  lines.forEach((line, place) => {
    setFont(context, line, 400, step / LINE_SPACING, SIDE_PX - 2 * MARGIN_PX);
    context.fillText(line, MARGIN_PX, BAND_PX + MARGIN_PX + (place + 0.5) * step);
  });
}

/**
 * Use a size at which the text fits into its room.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} weight
 * @param {number} sizePx
 * @param {number} roomPx
 */
function setFont(context, text, weight, sizePx, roomPx) {
  context.font = `${weight} ${sizePx}px ${FONT}`;
  const widthPx = context.measureText(text).width;
  if (widthPx > roomPx)
    context.font = `${weight} ${Math.floor((sizePx * roomPx) / widthPx)}px ${FONT}`;
}

/** Uneven light and a sensor's noise, the same every time. @param {CanvasRenderingContext2D} context */
function makePhoto(context) {
  const light = context.createLinearGradient(0, 0, SIDE_PX, SIDE_PX);
  light.addColorStop(0, "rgb(255 236 200 / 18%)");
  light.addColorStop(1, "rgb(20 10 30 / 38%)");
  context.fillStyle = light;
  context.fillRect(0, 0, SIDE_PX, SIDE_PX);
  const image = context.getImageData(0, 0, SIDE_PX, SIDE_PX);
  let state = 1;
  for (let at = 0; at < image.data.length; at += 4) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    const stray = ((state >> 16) / 0x7fff - 0.5) * 2 * NOISE;
    for (let channel = at; channel < at + 3; channel++) image.data[channel] += stray;
  }
  context.putImageData(image, 0, 0);
}
