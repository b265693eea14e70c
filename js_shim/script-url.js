/**
 * Workers of this build, from wherever its files are: under Trusted Types, and from another origin.
 *
 * Only this build's own worker files pass through here; a page allows that with `trusted-types edge-web-runtime`.
 */

import { EdgeError } from "./errors.js";

const POLICY = "edge-web-runtime";

/** @type {{createScriptURL: (url: string) => string} | undefined} */
let policy;
/** @type {Record<string, string>} By the address of a script elsewhere. */
const bridges = {};

/**
 * Return what `new Worker` takes for `url`: a TrustedScriptURL where there is such a thing.
 * @param {string} url
 * @returns {string}
 */
export function scriptUrl(url) {
  try {
    policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy(POLICY, {
      createScriptURL: (/** @type {string} */ address) => address,
    });
  } catch {
    // The name is not allowed: fine unless Trusted Types are required, and then `new Worker` says so.
  }
  return policy?.createScriptURL(url) ?? url;
}

/**
 * Start a module worker. A script of another origin, which `new Worker` refuses, is imported by one of ours.
 * @param {string} url
 * @param {string} name
 * @throws {EdgeError} feature-missing: no workers here, or none that are modules. What the browser throws.
 */
export function startWorker(url, name) {
  if (typeof Worker !== "function") throw without("Worker");
  let isRead = false;
  const options = {
    name,
    /** Read only where it means something: elsewhere the script would fail with a syntax error. */
    get type() {
      isRead = true;
      return /** @type {const} */ ("module");
    },
  };
  const worker = new Worker(scriptUrl(isForeign(url) ? bridgeTo(url) : url), options);
  if (isRead) return worker;
  worker.terminate();
  throw without("module workers");
}

/**
 * Whether a script is of another origin than this page or worker.
 * @param {string} url  Absolute.
 */
export const isForeign = (url) => new URL(url).origin !== globalThis.origin;

/**
 * A script of our own origin; one for each address, for good: a worker may be loading it at any time. A static import
 * would be asked of worker-src, this one is of script-src, and its failure has a message.
 * @param {string} url
 */
function bridgeTo(url) {
  return (bridges[url] ??= URL.createObjectURL(
    new Blob([`await import(${JSON.stringify(url)})`], { type: "text/javascript" }),
  ));
}

/**
 * What the runtime cannot be without: the browser lacks it, or a script of the page has broken it.
 * @param {unknown} feature  Its name, or what was thrown where it was used.
 */
export function without(feature) {
  const text = `${feature}: expected the browser's own, got none. The page works without the runtime.`;
  return new EdgeError("feature-missing", text, { feature: `${feature}` });
}
