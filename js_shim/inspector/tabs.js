/** The inspector's tabs, and how keys move between them. */

export const TABS = /** @type {const} */ ([
  ["runs", "Runs"],
  ["events", "Events"],
  ["queues", "Queues"],
  ["models", "Models"],
  ["store", "Store"],
  ["system", "System"],
  ["log", "Log"],
]);

/** @typedef {(typeof TABS)[number][0]} Tab */

/** Tabs whose rows can be filtered. */
const FILTERED = ["runs", "events", "log"];

/** @param {string} tab */
export const isFiltered = (tab) => FILTERED.includes(tab);

/** @param {string} name  Returns the tab of that name, else the first. */
export const tabNamed = (name) => TABS.find(([tab]) => tab === name)?.[0] ?? TABS[0][0];

/**
 * The tab that a key leads to.
 * @param {string} tab
 * @param {string} key
 * @returns {Tab | undefined}  undefined: the key is none of theirs.
 */
export function tabByKey(tab, key) {
  const at = TABS.findIndex(([name]) => name === tab);
  const last = TABS.length - 1;
  /** @type {Record<string, number | undefined>} */
  const places = {
    ArrowRight: at === last ? 0 : at + 1,
    ArrowLeft: at === 0 ? last : at - 1,
    Home: 0,
    End: last,
  };
  const place = places[key];
  return place === undefined ? undefined : TABS[place][0];
}
