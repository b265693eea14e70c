/** Tells a shopper who has scrolled down that products rose above, and leads there. */

import { byId } from "./dom.js";
import { t } from "./i18n.js";

const NEAR_TOP_PX = 480;

const button = byId("to-top");

/** Lead to the top on a click; go away once the shopper is there. */
export function startTopButton() {
  button.addEventListener("click", () => {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    window.scrollTo({ top: 0, behavior: isStill ? "instant" : "smooth" });
  });
  const check = () => {
    if (window.scrollY < NEAR_TOP_PX) hideTopButton();
  };
  window.addEventListener("scroll", check, { passive: true });
}

/** @param {number} count  Products that moved up. */
export function offerTop(count) {
  button.textContent = t("risen", { count });
  button.hidden = count === 0 || window.scrollY < NEAR_TOP_PX;
}

export function hideTopButton() {
  button.hidden = true;
}
