/** Addresses of the views; every change is a page view for the runtime. */

/** @typedef {{page: "Home" | "Item" | "Photo" | "Label", item: number}} Route */

/** @type {((route: Route) => void)[]} */
const listeners = [];
/** @type {Map<string, number>} */
const scrolls = new Map();

/** @returns {Route} */
export function route() {
  const query = new URLSearchParams(location.search);
  const page = query.get("page");
  const known = page === "Item" || page === "Photo" || page === "Label" ? page : "Home";
  return { page: known, item: Number(query.get("item")) };
}

/** @param {number} item */
export const itemUrl = (item) => `/?page=Item&item=${item}`;

/**
 * Show another view. The page's name is set first: edge.js reads it behind pushState.
 * @param {string} url
 */
export function go(url) {
  scrolls.set(location.search, window.scrollY);
  const query = new URL(url, location.href).searchParams;
  document.body.dataset.edgePage = query.get("page") || "Home";
  history.pushState({}, "", url);
  window.scrollTo(0, 0);
  for (const listener of listeners) listener(route());
}

/** @param {(route: Route) => void} listener  Called for every change and once now. */
export function onRoute(listener) {
  listeners.push(listener);
  listener(route());
}

/** Put the reader back where the view was left; call it after the view is visible. */
export function restoreScroll() {
  window.scrollTo(0, scrolls.get(location.search) ?? 0);
}

/** Turn clicks on links of this site into view changes, and follow the back button. */
export function followLinks() {
  history.scrollRestoration = "manual";
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-view]") : null;
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!(link instanceof HTMLAnchorElement) || !isPlain) return;
    event.preventDefault();
    if (link.href !== location.href) go(link.href);
  });
  window.addEventListener("popstate", () => {
    for (const listener of listeners) listener(route());
    restoreScroll();
  });
}
