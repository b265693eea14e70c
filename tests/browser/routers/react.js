import { createElement as h } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Link, Navigate, Route, Routes } from "react-router";
import { PAGES, base } from "./pages.js";

const screen = ({ name, links }) =>
  h(
    "main",
    { "data-edge-page": name },
    h("p", { "data-edge-click": "row", "data-edge-expose": "row" }, name),
    links.map((to) =>
      h(Link, { key: to, to: `/${to}`, id: to, "data-edge-click": `to ${to}` }, to),
    ),
  );

createRoot(document.getElementById("app")).render(
  h(
    BrowserRouter,
    { basename: base },
    h(
      Routes,
      null,
      PAGES.map((page) => h(Route, { key: page.path, path: page.path, element: screen(page) })),
      h(Route, { path: "/old", element: h(Navigate, { to: "/item", replace: true }) }),
    ),
  ),
);
