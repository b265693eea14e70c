/** When a page has time, and when it may be going away. */

const IDLE_DEADLINE_MS = 2_000;
const NO_IDLE_CALLBACK_MS = 200;

/**
 * Run `action` once when the page is idle, unless the returned function is called before.
 * @param {() => void} action
 * @returns {() => void}
 */
export function whenIdle(action) {
  if (typeof requestIdleCallback === "function") {
    const id = requestIdleCallback(action, { timeout: IDLE_DEADLINE_MS });
    return () => cancelIdleCallback(id);
  }
  // WebKit has no idle callback: a while after the page's own work is the nearest thing.
  const id = setTimeout(action, NO_IDLE_CALLBACK_MS);
  return () => clearTimeout(id);
}

/**
 * Run `action` each time the page is hidden, until the returned function is called.
 * @param {() => void} action
 * @returns {() => void}
 */
export function whenHidden(action) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const hidden = () => document.visibilityState === "hidden" && action();
  document.addEventListener("visibilitychange", hidden, { signal });
  return () => stopping.abort();
}

/**
 * Tell when the page is left or frozen, and when it is back, until the returned function is called.
 *
 * Never `unload` or `beforeunload`: they keep a page out of the back/forward cache.
 * @param {{leave: () => void, back: () => void}} actions  `leave` may come twice in a row.
 * @returns {() => void}
 */
export function whenLeft({ leave, back }) {
  const stopping = new AbortController();
  const { signal } = stopping;
  const shown = (/** @type {PageTransitionEvent} */ { persisted }) => persisted && back();
  window.addEventListener("pagehide", leave, { signal });
  window.addEventListener("pageshow", shown, { signal });
  document.addEventListener("freeze", leave, { signal });
  document.addEventListener("resume", back, { signal });
  return () => stopping.abort();
}
