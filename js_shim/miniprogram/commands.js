/** Commands of the mini-program on their way to listeners: each once, kept for a while if nobody listens yet. */

import { createSeen } from "./envelope.js";

/** @import { Envelope } from "./envelope.js" */
/** @typedef {(command: Envelope) => void} Listener */

/**
 * @param {(message: string) => void} warn
 * @param {number} most  Kept until somebody listens.
 */
export function createCommands(warn, most) {
  const isNew = createSeen();
  /** @type {Set<Listener>} */
  const listeners = new Set();
  /** @type {Envelope[]} */
  const unheard = [];

  /** @param {Listener} listener @param {Envelope} command */
  function tell(listener, command) {
    try {
      listener(command);
    } catch (error) {
      warn(`${command.type}: a listener threw ${error}.`);
    }
  }

  return {
    /** @param {Envelope} command */
    take(command) {
      if (!isNew(command.id)) return;
      if (!listeners.size && unheard.push(command) > most)
        warn(`${unheard.shift()?.type}: dropped, nobody listens to commands.`);
      for (const listener of [...listeners]) tell(listener, command);
    },

    /** @param {Listener} listener @returns {() => void} */
    on(listener) {
      listeners.add(listener);
      unheard.splice(0).forEach((command) => tell(listener, command));
      return () => void listeners.delete(listener);
    },

    hasListeners: () => listeners.size > 0,

    clear() {
      listeners.clear();
      unheard.length = 0;
    },
  };
}
