/** Messages that wait to be handed to the host: bounded, the oldest give way; of one key only the latest stays. */

/** @import { Envelope } from "./envelope.js" */

/** @typedef {{messages: number, bytes: number}} Bounds */
/** @typedef {{envelope: Envelope, bytes: number, key: string | undefined}} Waiting */

const encoder = new TextEncoder();

/**
 * @param {Bounds} bounds
 * @param {(envelope: Envelope) => void} onDrop  Told of each that gave way to a newer one, not of those replaced by key.
 */
export function createOutbox(bounds, onDrop) {
  /** @type {Waiting[]} */
  let waiting = [];
  let bytes = 0;

  /** @param {Waiting} gone */
  function remove(gone) {
    waiting = waiting.filter((other) => other !== gone);
    bytes -= gone.bytes;
  }

  return {
    /**
     * @param {Envelope} envelope
     * @param {string} [key]
     * @returns {boolean}  False: it alone is above the bound, and nothing was changed.
     */
    put(envelope, key) {
      const added = { envelope, key, bytes: sizeOf(envelope) };
      if (added.bytes > bounds.bytes) return false;
      const former = key !== undefined && waiting.find((other) => other.key === key);
      if (former) remove(former);
      waiting.push(added);
      bytes += added.bytes;
      while (waiting.length > bounds.messages || bytes > bounds.bytes) {
        const [oldest] = waiting;
        remove(oldest);
        onDrop(oldest.envelope);
      }
      return true;
    },

    /** @returns {Envelope[]} All, oldest first; none of them waits any more. */
    take() {
      const taken = waiting.map(({ envelope }) => envelope);
      waiting = [];
      bytes = 0;
      return taken;
    },

    get bytes() {
      return bytes;
    },
  };
}

/** @param {Envelope} envelope */
export function sizeOf(envelope) {
  return encoder.encode(JSON.stringify(envelope)).length;
}
