/** Times of a bench as one figure, and as text. */

/** @param {number[]} values  At least one. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number} durationMs */
export function msText(durationMs) {
  if (durationMs >= 10_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`;
}
