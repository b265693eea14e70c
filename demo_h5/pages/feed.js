/** The feed: shows products in the runtime's order and says what moved up, and why. */

import { feedCard } from "./card.js";
import { artOf, byId, el, msOf } from "./dom.js";
import { reorder } from "./flip.js";
import { categoryName, t } from "./i18n.js";
import { offerTop } from "./top-button.js";

/** @import { Product, RankResult } from "./types.js" */

/** A card that rises less than this is not worth a badge. */
const BADGE_MIN_RISE = 3;
const SEEN_LIMIT = 8;

const list = byId("feed");
/** @type {Map<number, HTMLElement>} */
const cards = new Map();
/** @type {Map<number, Product>} */
let products = new Map();
/** @type {number[]} */
let order = [];
/** @type {number[]} */
let baseline = [];
/** @type {RankResult | null} */
let latest = null;
/** @type {RankResult | null} */
let waiting = null;

/** @param {Product[]} catalogue  In the shop's own order. */
export function showFeed(catalogue) {
  products = new Map(catalogue.map((product) => [product.item, product]));
  if (order.length === 0) {
    order = catalogue.map((product) => product.item);
    baseline = order;
  }
  for (const product of catalogue) cards.set(product.item, feedCard(product));
  list.replaceChildren(...order.map((item) => /** @type {HTMLElement} */ (cards.get(item))));
  list.removeAttribute("aria-busy");
  explain();
  if (waiting) applyRank(waiting);
}

/**
 * Take a new order; while the feed is out of sight it waits for `feedIsVisible`.
 * @param {RankResult} result
 */
export function applyRank(result) {
  if (products.size === 0 || document.body.dataset.edgePage !== "Home") {
    waiting = result;
    return;
  }
  waiting = null;
  const known = result.value.order.filter((item) => products.has(item));
  const rest = order.filter((item) => !known.includes(item));
  const next = [...known, ...rest];
  const isNew = next.some((item, rank) => item !== order[rank]);
  if (isNew) moveTo(next, new Set(result.value.hist));
  latest = result;
  explain();
}

/** Show what came in meanwhile. */
export function feedIsVisible() {
  if (waiting) applyRank(waiting);
}

/**
 * Badges compare with the order of a shopper nobody knows; the button with what was shown before.
 * @param {number[]} next
 * @param {Set<number>} seen  Products the shopper looked at.
 */
function moveTo(next, seen) {
  if (seen.size === 0) baseline = next;
  const categories = new Set([...seen].map((item) => products.get(item)?.category));
  const isWanted = (/** @type {number} */ item) => categories.has(products.get(item)?.category);
  const rises = risesFrom(order, next);
  offerTop(next.filter((item, rank) => isWanted(item) && rises[rank] > 0).length);
  risesFrom(baseline, next).forEach((rise, rank) => {
    mark(next[rank], rise >= BADGE_MIN_RISE && isWanted(next[rank]) ? rise : 0);
  });
  order = next;
  reorder(
    list,
    next.map((item) => /** @type {HTMLElement} */ (cards.get(item))),
  );
}

/**
 * @param {number[]} before
 * @param {number[]} next
 * @returns {number[]}  By how many places each of `next` is higher than before.
 */
function risesFrom(before, next) {
  const ranks = new Map(before.map((item, rank) => [item, rank]));
  return next.map((item, rank) => (ranks.get(item) ?? rank) - rank);
}

/**
 * @param {number} item
 * @param {number} rise  Places the card moved up for a reason; 0 hides the badge.
 */
function mark(item, rise) {
  const card = /** @type {HTMLElement} */ (cards.get(item));
  const badge = /** @type {HTMLElement} */ (card.querySelector(".badge"));
  badge.hidden = rise === 0;
  card.toggleAttribute("data-risen", rise > 0);
  if (rise === 0) return;
  const category = categoryName(/** @type {Product} */ (products.get(item)));
  badge.replaceChildren(el("b", {}, `↑${rise}`), t("because", { category }));
}

/** Say how the order came about: the products seen, and what the ranking cost. */
function explain() {
  const seen = latest ? [...new Set([...latest.value.hist].reverse())] : [];
  const pictures = seen.slice(0, SEEN_LIMIT).flatMap((item) => {
    const product = products.get(item);
    return product
      ? [el("span", { class: `seen tint-${product.tint}` }, artOf(product.art, 24))]
      : [];
  });
  byId("seen").replaceChildren(...pictures);
  const note = byId("feed-note");
  if (!latest) note.textContent = t("feedDefault");
  else if (seen.length === 0)
    note.textContent = t("feedPopular", { ms: msOf(latest.timings.totalMs) });
  else
    note.textContent = t("feedRanked", {
      count: seen.length,
      ms: msOf(latest.timings.totalMs),
    });
}
