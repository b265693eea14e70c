/** Ids that never repeat, also on pages served without TLS. */

const TIME_DIGITS = 12;
const COUNT_DIGITS = 6;
const COUNT_BASE = 36;

/**
 * Random hexadecimal digits, two a byte.
 * @param {number} [bytes]
 */
export function randomHex(bytes = 8) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Ids of one page's events: each is greater than the one before, as text, even when the clock goes back. A store that
 * keeps them in order adds new ones at its end.
 * @param {() => number} [nowMs]
 * @returns {() => string}
 */
export function eventIds(nowMs = Date.now) {
  const page = randomHex();
  let lastMs = 0;
  let count = 0;
  return () => {
    lastMs = Math.max(lastMs, Math.floor(nowMs()));
    const time = lastMs.toString(16).padStart(TIME_DIGITS, "0");
    return `${time}-${page}-${(count++).toString(COUNT_BASE).padStart(COUNT_DIGITS, "0")}`;
  };
}
