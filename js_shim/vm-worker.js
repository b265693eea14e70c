/**
 * A VM: one interpreter for tasks' code in a realm of its own, which is worth nothing to that code but its one port.
 *
 * Whoever started it ends it; it may end at any moment, and nothing in it is to be kept.
 */

import { greet } from "./handshake.js";
import { startMachine } from "./machine-start.js";

const GUEST = "edge_runtime.host.browser.guest";

greet((port, options) =>
  startMachine(port, options, {
    root: new URL("./", import.meta.url).href,
    importGuest: (python) => python.pyimport(GUEST),
  }),
);
