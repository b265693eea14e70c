/**
 * The mini-program's side of the bridge, for the page that holds the `<web-view>`: no DOM, no clock but `Date`.
 *
 * `bindmessage="onMessage"`: `receiver.take(event).forEach(show)`; a command: `this.setData({ src: receiver.nextSrc(src, type, body) })`.
 */

import { EdgeError } from "../errors.js";
import { COMMAND_BYTES, VERSION, createSeen, hashOf, isEnvelope } from "./envelope.js";

/** @import { Envelope } from "./envelope.js" */

/** The app brings all again at each share: more than it can be handed while a page is in use. */
const REMEMBERED = 8_192;
const DIGITS = 36;
const TIME_DIGITS = 9;
const COUNT_DIGITS = 6;

/**
 * @param {{nowMs?: () => number, warn?: (message: string) => void}} [options]  `warn` is told what is no message of the bridge.
 */
export function createReceiver({ nowMs = Date.now, warn = () => {} } = {}) {
  const isNew = createSeen(REMEMBERED);
  const sender = text(Math.floor(Math.random() * 2 ** 40), TIME_DIGITS);
  let count = 0;

  /**
   * @param {string} type
   * @param {unknown} body
   * @returns {Envelope}
   */
  function envelope(type, body) {
    const ts = nowMs();
    const id = `${text(ts, TIME_DIGITS)}-${sender}-${text(count++, COUNT_DIGITS)}`;
    return { v: VERSION, id, ts, type, body };
  }

  return {
    /**
     * The messages of a `bindmessage` event that did not come before, oldest first. WeChat and its like bring an array of
     * all that was posted since the page began, when it is left or shared, and again; Alipay brings each at once.
     * @param {any} event
     * @returns {Envelope[]}
     */
    take(event) {
      const detail = event?.detail;
      const posted = Array.isArray(detail?.data) ? detail.data : [detail?.data ?? detail];
      const messages = posted.filter(isEnvelope);
      if (messages.length < posted.length)
        warn(
          `web-view: expected messages of the bridge, got ${posted.length - messages.length} others.`,
        );
      return messages.sort(byId).filter((/** @type {Envelope} */ { id }) => isNew(id));
    },

    /** A command as an object, for Alipay's `webViewContext.postMessage`. */
    envelope,

    /**
     * The web-view's next address: only the hash is another, so the page stays.
     * @param {string} src
     * @param {string} type
     * @param {unknown} [body]
     * @returns {string}
     * @throws {EdgeError} argument-invalid: the command is too long, use the server for more
     */
    nextSrc(src, type, body = null) {
      const hash = hashOf(envelope(type, body));
      if (hash.length <= COMMAND_BYTES) return src.split("#")[0] + hash;
      const sizes = `expected at most ${COMMAND_BYTES} bytes, got ${hash.length}`;
      throw new EdgeError(
        "argument-invalid",
        `nextSrc: ${sizes}. Send a key, and the rest by the server.`,
      );
    },
  };
}

/** @param {Envelope} a @param {Envelope} b */
function byId(a, b) {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** @param {number} number @param {number} digits */
function text(number, digits) {
  return number.toString(DIGITS).padStart(digits, "0");
}
