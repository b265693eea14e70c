/** The runtime as an ES module: `import { start } from "edge-web-runtime"`. */

import { createEdge } from "./edge-api.js";
import { onlyCopy } from "./only-copy.js";

/** @typedef {import("./types.js").Edge} Edge */
/** @typedef {import("./types.js").Events} Events */
/** @typedef {import("./arguments.js").StartOptions} StartOptions */
/** @typedef {import("./arguments.js").InferOptions} InferOptions */
/** @typedef {import("./arguments.js").TrackOptions} TrackOptions */
/** @typedef {import("./errors.js").EdgeError} EdgeError */
/** @typedef {import("./errors.js").ErrorCode} ErrorCode */
/** @typedef {import("./protocol.js").PlainError} PlainError */
/** @typedef {import("./protocol.js").RunResult} RunResult */
/** @typedef {import("./protocol.js").StatusBody} StatusBody */
/** @typedef {import("./router.js").CallBack} CallBack */
/** @typedef {import("./statistics.js").Statistics} Statistics */

// Bundlers take `new URL("…", import.meta.url)` for a file of theirs.
const { url } = import.meta;
const edge = onlyCopy(() => createEdge(new URL("./", url).href));

export const {
  start,
  consent,
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
  reload,
  trace,
  erase,
  stop,
  router,
  version,
  // The first copy's, which its errors are of.
  EdgeError,
} = edge;
// A reserved word cannot be a binding's name, only an export's.
const remove = edge.delete;
export { remove as delete };
export default edge;
