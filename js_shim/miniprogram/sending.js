/** Messages on their way to the mini-program: made, bounded, and handed over when the host's family says. */

import { eventIds } from "../identifiers.js";
import { VERSION } from "./envelope.js";
import { createOutbox, sizeOf } from "./outbox.js";

/** @import { Timers } from "../timers.js" */
/** @import { BridgeLimits } from "./bridge.js" */
/** @import { Driver } from "./drivers.js" */
/** @import { Envelope } from "./envelope.js" */

/**
 * @param {object} port
 * @param {() => Driver | undefined} port.driver  The one there is at this moment.
 * @param {BridgeLimits} port.limits
 * @param {Timers} port.timers
 * @param {(message: string) => void} port.warn
 */
export function createSending({ driver, limits, timers, warn }) {
  const outbox = createOutbox(limits, ({ id, type }) =>
    warn(`${type} ${id}: dropped for newer ones.`),
  );
  const nextId = eventIds();
  let handedBytes = 0;
  /** @type {(() => void) | undefined} */
  let forgetTimer;

  function flush() {
    const to = driver();
    if (!to) return;
    unschedule();
    handedBytes += outbox.bytes;
    outbox.take().forEach((envelope) => post(to, envelope));
  }

  function unschedule() {
    forgetTimer?.();
    forgetTimer = undefined;
  }

  /** @param {Driver} to @param {Envelope} envelope */
  function post(to, envelope) {
    try {
      to.post(envelope);
      return true;
    } catch (error) {
      warn(`${envelope.type} ${envelope.id}: the host threw ${error}.`);
      return false;
    }
  }

  return {
    flush,

    /**
     * @param {string} type
     * @param {unknown} body
     * @returns {Envelope | undefined}  None: told why.
     */
    envelope(type, body) {
      try {
        const plain = JSON.parse(JSON.stringify(body ?? null, withoutBytes));
        const envelope = { v: VERSION, id: nextId(), ts: Date.now(), type, body: plain };
        const bytes = sizeOf(envelope);
        if (bytes <= limits.messageBytes) return envelope;
        const sizes = `expected at most ${limits.messageBytes} bytes, got ${bytes}`;
        warn(`${type}: ${sizes}. Send a key, and the rest by the server.`);
      } catch (error) {
        warn(`${type}: expected what JSON can say, got ${error}.`);
      }
      return undefined;
    },

    /** @param {Envelope} envelope @returns {boolean}  Whether the host took it. */
    now(envelope) {
      flush();
      const to = driver();
      return to ? post(to, envelope) : false;
    },

    /** @param {Envelope} envelope @param {string} [key] @returns {boolean}  Whether it waits now. */
    keep(envelope, key) {
      if (outbox.put(envelope, key)) return true;
      warn(`${envelope.type} ${envelope.id}: dropped, it alone is above ${limits.bytes} bytes.`);
      return false;
    },

    /** @param {boolean} isHidden  The page may end before any timer does. */
    flushSoon(isHidden) {
      // The host keeps all it gets: what is beyond its share waits for the page's end.
      if (handedBytes + outbox.bytes > limits.handedBytes) return unschedule();
      if (isHidden) return flush();
      forgetTimer ??= timers.after(limits.waitMs, flush);
    },

    clear() {
      unschedule();
      outbox.take();
    },
  };
}

/** @param {string} _ @param {unknown} value */
function withoutBytes(_, value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) throw new TypeError("bytes");
  return value;
}
