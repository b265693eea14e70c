import { createApp, h } from "vue";
import {
  RouterLink,
  RouterView,
  createRouter,
  createWebHashHistory,
  createWebHistory,
} from "vue-router";
import { PAGES, base } from "./pages.js";

const screen = ({ name, links }) => ({
  render: () =>
    h("main", { "data-edge-page": name }, [
      h("p", { "data-edge-click": "row", "data-edge-expose": "row" }, name),
      links.map((to) =>
        h(RouterLink, { to: `/${to}`, id: to, "data-edge-click": `to ${to}` }, () => to),
      ),
    ]),
});

const isHash = location.search === "?hash";
const router = createRouter({
  history: isHash ? createWebHashHistory() : createWebHistory(base),
  routes: [
    ...PAGES.map((page) => ({ path: page.path, component: screen(page) })),
    { path: "/old", redirect: "/item" },
  ],
});
createApp({ render: () => h(RouterView) })
  .use(router)
  .mount("#app");
