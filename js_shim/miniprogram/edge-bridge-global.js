/** The page's side of mini-programs as a script tag: sets `window.EdgeBridge`. */

import * as EdgeBridge from "./edge-bridge.js";

const global = /** @type {any} */ (window);
global.EdgeBridge ??= EdgeBridge;
