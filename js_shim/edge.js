/** The runtime as an ES module: `import { start } from "edge-web-runtime"`. */

import { createEdge } from "./edge-api.js";

/** @typedef {import("./edge-api.js").Edge} Edge */

const edge = createEdge(new URL("./", import.meta.url).href);

export const {
  start,
  infer,
  track,
  on,
  get,
  put,
  flush,
  statistics,
  pause,
  resume,
  stop,
  router,
  version,
} = edge;
export { EdgeError } from "./errors.js";
export default edge;
