/** The search box: results while one types, found by meaning on this device. */

import { foundRow } from "./card.js";
import { byId, el, msOf } from "./dom.js";
import { t } from "./i18n.js";
import { productOf } from "./products.js";
import { infer } from "./runtime.js";

/** @import { SearchResult } from "./types.js" */

/** Long enough that a word typed in one go is one query. */
const PAUSE_MS = 150;
/** In English whatever the page speaks: so does the model. */
const IDEAS = ["my cat is hungry", "movie night snack", "dinner from the sea", "dessert"];
const WARM_UP = "milk";

const input = /** @type {HTMLInputElement} */ (byId("search-input"));
const results = byId("search-results");
let timer = 0;
/** The question whose answer is awaited; answers to others are dropped. */
/** @type {AbortController | null} */
let asked = null;
/** @type {{query: string, answer: SearchResult} | null} */
let latest = null;
let isLoaded = false;

/** Listen to the box; the model is fetched when a shopper first turns to it. */
export function startSearch() {
  input.addEventListener("input", () => ask(PAUSE_MS));
  input.addEventListener("focus", warmUp, { once: true });
  for (const link of document.querySelectorAll('.brand, [data-nav="Home"]')) {
    link.addEventListener("click", clear);
  }
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(0);
    // On a phone the keyboard makes room for the results.
    input.blur();
  });
  showSearch();
}

/** Show the box and what it found in the current language. */
export function showSearch() {
  input.placeholder = t("searchPlaceholder");
  input.setAttribute("aria-label", t("searchLabel"));
  byId("search-ideas").replaceChildren(...IDEAS.map(idea));
  if (latest) show(latest.query, latest.answer);
}

/** @param {string} text */
function idea(text) {
  const attributes = { type: "button", class: "idea", lang: "en", "data-testid": "search-idea" };
  const button = el("button", attributes, text);
  button.addEventListener("click", () => {
    input.value = text;
    ask(0);
  });
  return button;
}

/** Whoever asks for the home page means the feed. */
function clear() {
  input.value = "";
  ask(0);
}

function warmUp() {
  const opened = infer("search", { query: WARM_UP }, { priority: "low" });
  opened.then(
    () => (isLoaded = true),
    () => {},
  );
}

/**
 * Ask for what the box says, once nothing was typed for a while. Older questions are given up;
 * what they found stays until there is something newer.
 * @param {number} pauseMs
 */
function ask(pauseMs) {
  clearTimeout(timer);
  asked?.abort();
  asked = null;
  const query = input.value.trim();
  results.hidden = query === "";
  byId("home-view").toggleAttribute("data-searching", query !== "");
  if (query === "") {
    latest = null;
    return;
  }
  results.dataset.state = "busy";
  if (!latest) byId("found").replaceChildren();
  byId("search-note").textContent = t(isLoaded ? "searchBusy" : "searchLoading");
  timer = window.setTimeout(search, pauseMs, query);
}

/** @param {string} query */
async function search(query) {
  const mine = new AbortController();
  asked = mine;
  try {
    const options = { signal: mine.signal, supersedeKey: "search-box" };
    const answer = await infer("search", { query }, options);
    isLoaded = true;
    if (asked === mine) show(query, answer);
  } catch (error) {
    if (asked === mine) showFailure(query, /** @type {Error} */ (error));
  }
}

/**
 * @param {string} query
 * @param {SearchResult} answer
 */
function show(query, answer) {
  latest = { query, answer };
  const rows = answer.value.results.flatMap((found) => {
    const product = productOf(found.item);
    return product ? [foundRow(product, found)] : [];
  });
  const { timings, backend } = answer;
  const cost = { ms: msOf(timings.totalMs), infer: msOf(timings.inferMs) };
  const name = backend.sentence?.name ?? "";
  Object.assign(results.dataset, { state: "done", query, backend: name });
  Object.assign(results.dataset, { totalMs: cost.ms, inferMs: cost.infer });
  byId("found").replaceChildren(...rows);
  byId("search-note").textContent =
    rows.length === 0
      ? t("searchNothing", { query })
      : t("searchFound", { count: rows.length, ...cost, backend: name });
}

/**
 * @param {string} query
 * @param {Error} error
 */
function showFailure(query, error) {
  latest = null;
  Object.assign(results.dataset, { state: "failed", query });
  byId("found").replaceChildren();
  byId("search-note").textContent = `${t("photoLater")} ${error.message}`;
}
