/** What crosses between a page and its mini-program, on both sides the same. No DOM. */

/**
 * @typedef {object} Envelope
 * @property {number} v     Of this shape.
 * @property {string} id    Of ids of one sender the later one is greater, as text; a repeated one is the same message.
 * @property {number} ts    Unix ms.
 * @property {string} type
 * @property {any} body     What JSON can say.
 */

export const VERSION = 1;
/** A command is the whole hash of the web-view's address: this, and the envelope as encoded JSON. */
export const HASH = "#edge=";
/** Of a command's hash: longer addresses do not arrive everywhere. */
export const COMMAND_BYTES = 2_048;

/**
 * @param {any} value
 * @returns {value is Envelope}
 */
export function isEnvelope(value) {
  return (
    value?.v === VERSION &&
    typeof value.id === "string" &&
    value.id !== "" &&
    typeof value.type === "string" &&
    typeof value.ts === "number"
  );
}

/**
 * @param {Envelope} envelope
 * @returns {string} ASCII only, as some apps show a blank page for anything else in an address.
 */
export function hashOf(envelope) {
  return HASH + encodeURIComponent(JSON.stringify(envelope));
}

/**
 * @param {string} hash
 * @returns {Envelope}
 * @throws {Error} Too long, no JSON, no envelope: said in its message.
 */
export function commandOf(hash) {
  if (hash.length > COMMAND_BYTES)
    throw new Error(`command: expected at most ${COMMAND_BYTES} bytes, got ${hash.length}.`);
  const envelope = JSON.parse(decodeURIComponent(hash.slice(HASH.length)));
  if (!isEnvelope(envelope))
    throw new Error(`command: expected {v: ${VERSION}, id, ts, type, body}, got another shape.`);
  return envelope;
}

/**
 * Ids that are already known, the latest of them.
 * @param {number} [most]
 * @returns {(id: string) => boolean}  Whether the id is new.
 */
export function createSeen(most = 512) {
  /** @type {Set<string>} */
  const seen = new Set();
  return (id) => {
    if (seen.has(id)) return false;
    seen.add(id);
    if (seen.size > most) seen.delete(/** @type {string} */ (seen.values().next().value));
    return true;
  };
}
