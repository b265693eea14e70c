/** Puts the shop together: catalogue, views, language, and what the runtime says. */

import { byId, el } from "./dom.js";
import { applyRank, feedIsVisible, showFeed } from "./feed.js";
import { currentLanguage, setLanguage, t } from "./i18n.js";
import { restoreCart, showItem, showNoItem } from "./item-view.js";
import { openLabel, showLabelTexts, startLabel } from "./label.js";
import { startPanel } from "./panel.js";
import { showSamples, startPhotoFile } from "./photo.js";
import { keepProducts } from "./products.js";
import { followLinks, onRoute, restoreScroll, route } from "./routes.js";
import { call, connect, listen } from "./runtime.js";
import { showSearch, startSearch } from "./search.js";
import { hideTopButton, startTopButton } from "./top-button.js";

/** @import { Product } from "./types.js" */

const LANGUAGE_KEY = "ui.language";
const VIEWS = { Home: "home-view", Item: "item-view", Photo: "photo-view", Label: "label-view" };

/** @type {Product[]} */
let catalogue = [];

async function loadCatalogue() {
  byId("feed-failed").hidden = true;
  try {
    const response = await fetch("/catalogue.json");
    if (!response.ok) throw new Error(`catalogue.json: expected 200, got ${response.status}.`);
    catalogue = await response.json();
  } catch {
    byId("feed-failed").hidden = false;
    byId("feed").hidden = true;
    return;
  }
  byId("feed").hidden = false;
  keepProducts(catalogue);
  showFeed(catalogue);
  if (route().page === "Item") showRoute(route());
}

/** @param {ReturnType<typeof route>} current */
function showRoute({ page, item }) {
  for (const [name, id] of Object.entries(VIEWS)) byId(id).hidden = name !== page;
  for (const link of document.querySelectorAll("[data-nav]")) {
    const isHere = /** @type {HTMLElement} */ (link).dataset.nav === page;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = { Photo: "photoTitle", Label: "labelTitle", Home: "", Item: "" }[page];
  document.title = title ? `${t(title)} · ${t("shop")}` : t("shop");
  if (page === "Home") feedIsVisible();
  else hideTopButton();
  if (page === "Item") openItem(item);
  if (page === "Label") openLabel();
}

/** @param {number} item */
function openItem(item) {
  const product = catalogue.find((one) => one.item === item);
  if (product) showItem(product, catalogue);
  else showNoItem();
  /** @type {HTMLElement | null} */ (document.querySelector("#item-view h1"))?.focus();
}

/** @param {"zh" | "en"} language */
function useLanguage(language) {
  setLanguage(language);
  showLabelTexts();
  if (catalogue.length === 0) return;
  showFeed(catalogue);
  showRoute(route());
  showSearch();
  showSamples().catch(() => {});
}

function startLanguage() {
  byId("language").addEventListener("click", () => {
    useLanguage(currentLanguage() === "zh" ? "en" : "zh");
    call("put", LANGUAGE_KEY, currentLanguage(), { encrypted: false }).catch(() => {});
  });
  call("get", LANGUAGE_KEY).then(
    (kept) => {
      if (kept === "en") useLanguage("en");
    },
    () => {},
  );
}

connect();
setLanguage("zh");
startPanel();
listen(({ name, body }) => {
  if (name === "result" && body.taskName === "RankFeed" && body.trigger === "event")
    applyRank(body);
});
followLinks();
startTopButton();
byId("retry").addEventListener("click", loadCatalogue);
await loadCatalogue();
onRoute(showRoute);
restoreScroll();
startPhotoFile();
startLabel();
startSearch();
showSamples().catch((error) => {
  byId("photo-tiles").replaceChildren(el("li", {}, error.message));
});
startLanguage();
restoreCart();
