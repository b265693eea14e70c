/** The page of one product, with others of its category and the cart. */

import { stripCard } from "./card.js";
import { artOf, byId, el, priceOf } from "./dom.js";
import { categoryName, primaryName, secondaryName, t } from "./i18n.js";
import { call } from "./runtime.js";

/** @import { Product } from "./types.js" */

const CART_KEY = "profile.cart";
let cartCount = 0;

/**
 * @param {Product} product
 * @param {Product[]} catalogue
 */
export function showItem(product, catalogue) {
  const similar = catalogue.filter(
    (other) => other.category === product.category && other.item !== product.item,
  );
  const view = byId("item-view");
  view.dataset.item = String(product.item);
  view.replaceChildren(
    el("a", { class: "back", href: "/", "data-view": "", "data-testid": "back" }, t("back")),
    el("article", { class: "item" }, picture(product), facts(product)),
    el("h2", { id: "similar-title" }, t("similar", { category: categoryName(product) })),
    el(
      "ul",
      { class: "strip", "aria-labelledby": "similar-title" },
      ...similar.map((product) => stripCard(product)),
    ),
  );
  document.title = `${primaryName(product)} · ${t("shop")}`;
}

/** Show that an address names no product; the shopper can go on. */
export function showNoItem() {
  byId("item-view").replaceChildren(
    el("a", { class: "back", href: "/", "data-view": "" }, t("back")),
    el("p", { class: "notice" }, t("noItem")),
  );
}

/** @param {Product} product */
function picture(product) {
  return el("div", { class: `item-art tint-${product.tint}` }, artOf(product.art, 200));
}

/** @param {Product} product */
function facts(product) {
  const brand = product.brand === "Private" ? t("ownBrand") : "";
  const details = [categoryName(product), product.size, brand].filter((text) => text);
  const add = el(
    "button",
    {
      class: "buy",
      type: "button",
      "data-testid": "add-to-cart",
      "data-edge-click": "cart",
      "data-edge-props": JSON.stringify({
        sku: product.item,
        category: product.category,
      }),
    },
    t("addToCart"),
  );
  add.addEventListener("click", () => addToCart(product));
  return el(
    "div",
    { class: "item-facts" },
    el("h1", { tabindex: "-1", "data-testid": "item-name" }, primaryName(product)),
    el("p", { class: "name-2" }, secondaryName(product)),
    el("ul", { class: "chips" }, ...details.map((text) => el("li", {}, text))),
    el("p", { class: "item-price" }, priceOf(product.price)),
    add,
    el("p", { class: "fine" }, t("itemPrivacy")),
  );
}

/** @param {Product} product */
function addToCart(product) {
  showCart(cartCount + 1);
  byId("said").textContent = t("added", { name: primaryName(product) });
  // The cart outlives a reload where the runtime is up, and works without it.
  call("put", CART_KEY, cartCount).catch(() => {});
}

/** @param {number} count */
function showCart(count) {
  cartCount = count;
  const badge = byId("cart-count");
  badge.textContent = String(count);
  badge.hidden = count === 0;
  byId("cart").setAttribute("aria-label", t("cart", { count }));
}

/** Bring back the cart of an earlier visit. */
export async function restoreCart() {
  const count = await call("get", CART_KEY).catch(() => null);
  if (Number.isInteger(count) && count > cartCount) showCart(count);
}
