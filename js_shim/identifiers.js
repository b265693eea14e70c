/** Ids that never repeat, also on pages served without TLS. */

/** @returns {string} */
export function randomId() {
  // Only secure contexts have randomUUID.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
