/** In a mini-program's web-view: the runtime's results go to the mini-program, its commands are carried out. */

import { call, listen } from "./runtime.js";

/** @import { Notice } from "./types.js" */

/** The runtime as the bridge uses it, also before edge.js is there. */
const edge = {
  /** @param {string} name @param {(body: any) => void} listener */
  on(name, listener) {
    listen((/** @type {Notice} */ notice) => void (notice.name === name && listener(notice.body)));
    return () => {};
  },
  infer: (/** @type {unknown} */ options) => call("infer", options),
  track: (/** @type {unknown} */ event) => void call("track", event),
};

const { createBridge, connect } = window.EdgeBridge;
const bridge = createBridge();
// Rankings follow each other fast: of those that wait, the latest is enough.
connect(edge, bridge, {
  keyOf: (/** @type {string} */ _, /** @type {any} */ body) => body.taskName,
});
