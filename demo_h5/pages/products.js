/** The catalogue by item, for whoever is handed items by a task. */

/** @import { Product } from "./types.js" */

/** @type {Map<number, Product>} */
const products = new Map();

/** @param {Product[]} catalogue */
export function keepProducts(catalogue) {
  for (const product of catalogue) products.set(product.item, product);
}

/** @param {number} item */
export const productOf = (item) => products.get(item);
