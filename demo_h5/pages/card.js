/** One product of a feed or a strip. */

import { artOf, el, priceOf } from "./dom.js";
import { primaryName, secondaryName, t } from "./i18n.js";
import { itemUrl } from "./routes.js";

/** @import { Found, Product } from "./types.js" */

/**
 * What the runtime stores with a click on a product; RankFeed reads `sku`.
 * @param {Product} product
 */
const propsOf = (product) => JSON.stringify({ sku: product.item, category: product.category });

/** @param {Product} product */
function artPanel(product) {
  const panel = el("span", { class: `art tint-${product.tint}` }, artOf(product.art, 96));
  if (product.size) panel.append(el("span", { class: "size" }, product.size));
  return panel;
}

/** @param {Product} product */
function likeButton(product) {
  return el(
    "button",
    {
      class: "like",
      type: "button",
      "data-testid": "like",
      "data-edge-click": "item",
      "data-edge-props": propsOf(product),
      "aria-label": t("like", { name: primaryName(product) }),
      title: t("likeShort"),
    },
    artOf("sparkles", 20),
  );
}

/**
 * A card of the feed: a link to the product and a "more like this" button.
 * @param {Product} product
 */
export function feedCard(product) {
  const link = el(
    "a",
    {
      class: "card-link",
      href: itemUrl(product.item),
      "data-view": "",
      "data-edge-click": "item",
      "data-edge-props": propsOf(product),
    },
    artPanel(product),
    el(
      "span",
      { class: "names" },
      el("span", { class: "name" }, primaryName(product)),
      el("span", { class: "name-2" }, secondaryName(product)),
    ),
    el("span", { class: "price" }, priceOf(product.price)),
  );
  const hooks = {
    "data-item": product.item,
    "data-category": product.category,
  };
  const badge = el("span", {
    class: "badge",
    "data-testid": "reason",
    hidden: "",
  });
  return el(
    "li",
    { class: "card", "data-testid": "feed-card", ...hooks },
    link,
    likeButton(product),
    badge,
  );
}

/**
 * A row of the search's results; its bar says how near the product is to the query.
 * @param {Product} product
 * @param {Found} found
 */
export function foundRow(product, { score, literal }) {
  const fill = el("span", { class: "fill" });
  fill.style.setProperty("--share", String(Math.max(score, 0)));
  const name = el("span", { class: "name" }, primaryName(product));
  if (literal) name.append(" ", el("span", { class: "literal" }, t("searchLiteral")));
  const link = el(
    "a",
    {
      class: "found-link",
      href: itemUrl(product.item),
      "data-view": "",
      "data-edge-click": "item",
      "data-edge-props": propsOf(product),
    },
    el("span", { class: `found-art tint-${product.tint}` }, artOf(product.art, 40)),
    el("span", { class: "names" }, name, el("span", { class: "name-2" }, secondaryName(product))),
    el("span", { class: "bar", "aria-hidden": "true" }, fill),
    el("span", { class: "price" }, priceOf(product.price)),
  );
  const hooks = { "data-item": product.item, "data-category": product.category };
  return el("li", { "data-testid": "found-row", "data-score": score, ...hooks }, link);
}

/**
 * A small card of the "similar" strip; its clicks count like those of the feed.
 * @param {Product} product
 * @param {string} [caption]  Why it is there.
 */
export function stripCard(product, caption) {
  const link = el(
    "a",
    {
      class: "strip-link",
      href: itemUrl(product.item),
      "data-view": "",
      "data-edge-click": "item",
      "data-edge-props": propsOf(product),
    },
    artPanel(product),
    el("span", { class: "name" }, primaryName(product)),
    el("span", { class: "price" }, priceOf(product.price)),
  );
  if (caption) link.append(el("span", { class: "caption" }, caption));
  return el(
    "li",
    {
      class: "strip-card",
      "data-testid": "similar-card",
      "data-item": product.item,
      "data-category": product.category,
    },
    link,
  );
}
