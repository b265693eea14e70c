/** Page views, exits, clicks and exposures as event records, without touching the page's own handling. */

import { watchClicks } from "./capture-clicks.js";
import { watchExposures } from "./capture-exposure.js";
import { watchViews } from "./capture-views.js";

/** @import { Captured } from "./markup.js" */

/**
 * @typedef {object} Capturing  What the parts share.
 * @property {(event: Captured) => void} track
 * @property {(message: string) => void} warn
 * @property {AbortSignal} signal  Aborted when it is over.
 * @property {<A extends any[]>(action: (...args: A) => void) => (...args: A) => void} guarded
 *   An action whose failure is no failure of the page, and which does nothing when it is over.
 * @property {(target: EventTarget, name: string, action: (event: any) => void) => void} listen
 */

/**
 * @param {Pick<Capturing, "track" | "warn" | "signal">} page
 * @param {boolean} [exposure]  True: look for markup of exposures all the time; false: never; default: once a view finds some.
 */
export function startCapture({ track, warn, signal }, exposure) {
  /** @type {Capturing["guarded"]} */
  const guarded =
    (action) =>
    (...args) => {
      try {
        if (!signal.aborted) action(...args);
      } catch (error) {
        warn(`event not captured: ${error}`);
      }
    };
  // On the window and as it is captured: before the page's own listeners, which may stop an event.
  const options = { capture: true, passive: true, signal };
  /** @type {Capturing["listen"]} */
  const listen = (target, name, action) => target.addEventListener(name, guarded(action), options);
  const capturing = { track, warn, signal, guarded, listen };
  watchClicks(capturing, watchViews(capturing, watchExposures(capturing, exposure)));
}
