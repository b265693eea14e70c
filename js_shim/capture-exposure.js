/** Exposures: marked elements of which half was on the screen for half a second, each once a view. */

import { currentPageId } from "./capture-views.js";
import { TYPE, attribute, describe, exposureIdOf } from "./markup.js";

/** @import { Capturing } from "./capture.js" */

const MARK = "data-edge-expose";
const MARKED = `[${MARK}]`;
const SHARE = 0.5;
const SEEN_MS = 500;

/**
 * @param {Capturing} capturing
 * @param {boolean} [isAsked]  True: watch from the first view on; false: never; default: from the first view with a mark on.
 */
export function watchExposures({ track, warn, signal, guarded }, isAsked) {
  /** @type {IntersectionObserver | undefined} */
  let screen;
  /** @type {WeakMap<Element, string | null>} Told in this view, by what their mark said. */
  let told = new WeakMap();
  /** @type {Map<Element, ReturnType<typeof setTimeout>>} Timers of what is on the screen. */
  const timers = new Map();
  let frame = 0;

  function begin() {
    screen = new IntersectionObserver(look, { threshold: SHARE });
    const markup = new MutationObserver(() => (frame ||= requestAnimationFrame(guarded(resume))));
    markup.observe(document, { childList: true, subtree: true, attributeFilter: [MARK] });
    signal.addEventListener("abort", () => {
      pause();
      markup.disconnect();
      cancelAnimationFrame(frame);
    });
  }

  const look = guarded((/** @type {IntersectionObserverEntry[]} */ entries) => {
    for (const { target, intersectionRatio } of entries) {
      clearTimeout(timers.get(target));
      timers.delete(target);
      if (intersectionRatio >= SHARE) timers.set(target, setTimeout(expose, SEEN_MS, target));
    }
  });

  const expose = guarded((/** @type {Element} */ element) => {
    timers.delete(element);
    screen?.unobserve(element);
    told.set(element, attribute(element, MARK));
    const seen = describe(pathOf(element), currentPageId, warn, exposureIdOf);
    if (seen) track({ ...seen, type: `${TYPE}.exposure` });
  });

  function pause() {
    screen?.disconnect();
    timers.forEach(clearTimeout);
    timers.clear();
  }

  /** Watch what is marked and was not told; what is watched already stays so. */
  function resume() {
    frame = 0;
    if (!screen) return;
    for (const element of document.querySelectorAll(MARKED))
      if (told.get(element) !== attribute(element, MARK)) screen.observe(element);
  }

  return {
    pause,
    resume,

    /** Another view: everything may be told again. */
    restart() {
      told = new WeakMap();
      if (isAsked === false || !(screen || isAsked || document.querySelector(MARKED))) return;
      if (!screen) begin();
      resume();
    },
  };
}

/** @param {any} node */
function pathOf(node) {
  const path = [];
  for (; node; node = node.parentNode ?? node.host) path.push(node);
  return path;
}
