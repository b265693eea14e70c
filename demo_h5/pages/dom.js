/** Builds DOM nodes. Text becomes text nodes, never markup. */

/**
 * @param {string} tag
 * @param {Record<string, string | number | undefined>} [attributes]  undefined leaves one out.
 * @param {...(Node | string)} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/** @param {string} id  Of an element that index.html is known to have. */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`index.html: expected an element with id ${id}, got none.`);
  return node;
}

/**
 * The picture of a product; decoration only, the name stands beside it.
 * @param {string} art  File name below /art, without .svg.
 * @param {number} sizePx
 */
export function artOf(art, sizePx) {
  return el("img", {
    src: `/art/${art}.svg`,
    alt: "",
    width: sizePx,
    height: sizePx,
    decoding: "async",
    draggable: "false",
  });
}

/** @param {number} usd */
export const priceOf = (usd) => `$${usd.toFixed(2)}`;

/** @param {number | null | undefined} durationMs */
export function msOf(durationMs) {
  if (durationMs === undefined || durationMs === null) return "–";
  return durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs).toString();
}
