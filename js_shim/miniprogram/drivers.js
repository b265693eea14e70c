/** How each family of hosts takes messages, and gives some. */

import { apiOf } from "./detect.js";

/** @import { WindowLike } from "./detect.js" */
/** @import { Envelope } from "./envelope.js" */
/** @import { Host } from "./hosts.js" */

/**
 * @typedef {object} Driver
 * @property {(envelope: Envelope) => void} post  May throw what the vendor's object throws.
 * @property {(take: (message: unknown) => void) => () => void} [listen]  Until the returned function is called.
 */

/** @type {Record<Host["delivery"], (api: any) => Driver>} */
const FAMILIES = {
  "on-exit": (api) => ({ post: (envelope) => api.postMessage({ data: envelope }) }),

  live: (api) => ({
    post: (envelope) => api.postMessage(envelope),
    listen(take) {
      const former = api.onMessage;
      const ours = (/** @type {unknown} */ message) => {
        take(message);
        former?.(message);
      };
      api.onMessage = ours;
      return () => {
        if (api.onMessage === ours) api.onMessage = former;
      };
    },
  }),
};

/**
 * The driver, once messages can be posted: the page has loaded the vendor's script, and the app has made its bridge.
 * @param {WindowLike} window
 * @param {Host} row
 * @returns {Driver | undefined}
 */
export function driverOf(window, row) {
  const api = apiOf(window, row);
  return api && (!row.bridge || window[row.bridge]) ? FAMILIES[row.delivery](api) : undefined;
}
