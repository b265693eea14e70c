/** When a page has time, when it is shown, and when it may be going away: until a signal says that nobody asks any more. */

const IDLE_DEADLINE_MS = 2_000;
const NO_IDLE_CALLBACK_MS = 200;

/** Whether the person has asked the browser to load little. */
export function savesData() {
  return /** @type {any} */ (globalThis).navigator?.connection?.saveData === true;
}

/**
 * Run `action` once when the page is idle.
 * @param {() => void} action
 * @param {AbortSignal} signal
 */
export function whenIdle(action, signal) {
  if (typeof requestIdleCallback === "function") {
    const id = requestIdleCallback(action, { timeout: IDLE_DEADLINE_MS });
    signal.addEventListener("abort", () => cancelIdleCallback(id));
  } else {
    // WebKit has no idle callback: a while after the page's own work is the nearest thing.
    const id = setTimeout(action, NO_IDLE_CALLBACK_MS);
    signal.addEventListener("abort", () => clearTimeout(id));
  }
}

/**
 * Run `action` now, or once a page that is rendered ahead of need is shown.
 * @param {() => void} action
 * @param {AbortSignal} signal
 */
export function whenActive(action, signal) {
  const page = /** @type {Document & {prerendering?: boolean}} */ (document);
  if (!page.prerendering) action();
  else page.addEventListener("prerenderingchange", action, { once: true, signal });
}

/**
 * Run `action` each time the page is hidden.
 * @param {() => void} action
 * @param {AbortSignal} signal
 */
export function whenHidden(action, signal) {
  const hidden = () => document.visibilityState === "hidden" && action();
  document.addEventListener("visibilitychange", hidden, { signal });
}

/**
 * Tell when the page is left or frozen, and when it is back.
 *
 * Never `unload` or `beforeunload`: they keep a page out of the back/forward cache.
 * @param {{leave: (isFreezing: boolean) => void, back: () => void}} actions  Each may come twice in a row.
 * @param {AbortSignal} signal
 */
export function whenLeft({ leave, back }, signal) {
  window.addEventListener("pagehide", ({ persisted }) => leave(persisted), { signal });
  window.addEventListener("pageshow", ({ persisted }) => persisted && back(), { signal });
  document.addEventListener("freeze", () => leave(true), { signal });
  document.addEventListener("resume", back, { signal });
}
