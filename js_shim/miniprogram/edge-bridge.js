/** The page's side of mini-programs as an ES module: `import { createBridge, connect } from "./edge-bridge.mjs"`. */

export { BRIDGE_LIMITS, createBridge } from "./bridge.js";
export { connect } from "./connect.js";
export { detectHost, refineHost } from "./detect.js";
