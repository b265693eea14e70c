/** The office of the writer where there are no locks: every worker holds it, and the one that opened the store last can write. */

/** @import { Duties } from "./writer-office.js" */

/** @param {Pick<Duties, "onElected" | "onDeposed">} duties */
export function createLonelyOffice({ onElected, onDeposed }) {
  return {
    join: onElected,
    resign() {
      onDeposed();
      onElected();
    },
    announceReady() {},
    sayHello() {},
    leave() {},
  };
}
