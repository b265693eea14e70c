/** The same three pages for every router; `/old` is one that is somewhere else now. */

export const base = "/app.html";
export const PAGES = [
  { path: "/", name: "Home", links: ["list"] },
  { path: "/list", name: "List", links: ["item", "old"] },
  { path: "/item", name: "Item", links: ["list"] },
];
