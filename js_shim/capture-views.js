/** Views of the page, at load and at each address that it comes to rest at, and exits with how long it was visible. */

import { wrapHistory } from "./history-hooks.js";
import { EVENT_LIMITS } from "./limits.js";
import { IGNORED, TYPE } from "./markup.js";

/** @import { Capturing } from "./capture.js" */

// By then storms of back and forward and a router's redirects are over, and the page has rendered.
const SETTLED_MS = 50;
const OPTED_OUT = `html[${IGNORED}],body[${IGNORED}]`;
const PAGE = `[data-edge-page]:not([${IGNORED}],[${IGNORED}] *)`;

export function currentPageId() {
  const mark = document.querySelector(PAGE)?.getAttribute("data-edge-page");
  const path = location.pathname + (/^#[/!][^?#]*/.exec(location.hash) ?? "");
  // Nobody chose how long a path is, and a longer text would cost the page all its events.
  return mark || path.slice(0, EVENT_LIMITS.textChars);
}

/**
 * @param {Capturing} capturing
 * @param {{pause: () => void, resume: () => void, restart: () => void}} exposures
 * @returns {() => void}  Counts the view that is due, if one is.
 */
export function watchViews({ track, signal, guarded, listen }, exposures) {
  /** @type {string | undefined} Of the latest view. */
  let address;
  /** @type {string | undefined} None where the page wants no view. */
  let pageId;
  /** @type {number | undefined} Since then the page is visible; not told yet. */
  let visibleMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function view() {
    exit();
    address = here();
    pageId = document.querySelector(OPTED_OUT) ? undefined : currentPageId();
    if (!pageId) return;
    track({ type: TYPE, pageId, pv: true });
    appear();
    exposures.restart();
  }

  function appear() {
    if (pageId && document.visibilityState !== "hidden") visibleMs ??= performance.now();
  }

  function exit() {
    exposures.pause();
    if (!pageId || visibleMs === undefined) return;
    const ms = Math.round(performance.now() - visibleMs);
    visibleMs = undefined;
    track({ type: `${TYPE}.exit`, pageId, pv: true, props: { ms } });
  }

  function settle() {
    clearTimeout(timer);
    if (address !== undefined && address !== here()) view();
  }

  function leave() {
    settle();
    exit();
  }

  const changed = guarded(() => {
    clearTimeout(timer);
    timer = setTimeout(guarded(settle), SETTLED_MS);
  });

  function onVisibility() {
    if (document.visibilityState === "hidden") return leave();
    appear();
    exposures.resume();
  }

  listen(window, "popstate", changed);
  listen(window, "pagehide", () => {
    leave();
    // One that comes back is shown before it says so: that is no view yet.
    pageId = undefined;
  });
  listen(window, "visibilitychange", onVisibility);
  listen(window, "pageshow", ({ persisted }) => persisted && view());
  const unwrap = wrapHistory(changed);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    unwrap();
  });
  if (document.readyState === "loading") listen(document, "DOMContentLoaded", view);
  else guarded(view)();
  return settle;
}

/** The address without a hash that is no router's. */
function here() {
  return location.href.replace(/#(?![/!]).*/, "");
}
