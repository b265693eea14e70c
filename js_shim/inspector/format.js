/** Figures as short texts. */

/** @param {number | null | undefined} durationMs */
export function msText(durationMs) {
  if (durationMs === undefined || durationMs === null) return "–";
  if (durationMs >= 10_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`;
}

/** @param {{p50: number | null, p99: number | null} | undefined} percentiles */
export const percentilesText = (percentiles) =>
  `${msText(percentiles?.p50)} / ${msText(percentiles?.p99)}`;

/** @param {number | null | undefined} bytes */
export function bytesText(bytes) {
  if (bytes === undefined || bytes === null) return "–";
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} kB`;
  return `${(bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0)} MB`;
}

/** @param {number} timeMs  Unix time; shown as this device's time of day. */
export function timeText(timeMs) {
  const time = new Date(timeMs);
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()];
  const clock = [hours, minutes, seconds].map((part) => String(part).padStart(2, "0")).join(":");
  return `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** @param {unknown} value */
export function orDash(value) {
  return value === undefined || value === null || value === "" ? "–" : String(value);
}

/**
 * Data as one line of JSON, cut where it is long.
 * @param {unknown} value
 * @param {number} [maxChars]
 */
export function jsonText(value, maxChars = 400) {
  const text = JSON.stringify(value) ?? "";
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}
