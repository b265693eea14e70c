/** The runtime as an ES module: `import { start } from "edge-web-runtime"`. */

import { createEdge } from "./edge-api.js";

/** @typedef {import("./types.js").Edge} Edge */

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
  reconfigure,
  trace,
  erase,
  stop,
  router,
  version,
} = edge;
// A reserved word cannot be a binding's name, only an export's.
const remove = edge.delete;
export { remove as delete };
export { EdgeError } from "./errors.js";
export default edge;
