/**
 * Addresses of workers where a policy requires Trusted Types.
 *
 * Only this build's own worker files pass through here; a page allows that with `trusted-types edge-web-runtime`.
 */

const POLICY = "edge-web-runtime";

/** @type {{createScriptURL: (url: string) => string} | undefined} */
let policy;

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
