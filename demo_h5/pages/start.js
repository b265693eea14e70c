/**
 * Runs before edge.js: opens the command queue, keeps every notice, and names the page.
 * A classic script, so that it is done when the async edge.js starts, whatever comes first.
 */
(() => {
  const NOTICE_LIMIT = 200;
  const root = document.documentElement;

  window.EdgeAI = window.EdgeAI || { q: [] };
  window.shopNotices = { backlog: [], tell: null };
  const { backlog } = window.shopNotices;

  for (const name of ["status", "result", "error", "log"]) {
    const keep = (/** @type {unknown} */ body) => {
      if (backlog.push({ name, body, ts: Date.now() }) > NOTICE_LIMIT) backlog.shift();
      window.shopNotices.tell?.(backlog[backlog.length - 1]);
    };
    if (window.EdgeAI.q) window.EdgeAI.q.push(["on", name, keep]);
    else window.EdgeAI.on(name, keep);
  }

  // edge.js reads data-edge-page in its own popstate listener: this one is older, so it comes first.
  const namePage = () => {
    document.body.dataset.edgePage = new URLSearchParams(location.search).get("page") || "Home";
  };
  namePage();
  window.addEventListener("popstate", namePage);

  root.dataset.edgeState = "loading";
  const lost = (/** @type {Event} */ event) => {
    const script = event.target;
    if (!(script instanceof HTMLScriptElement) || !script.dataset.config) return;
    root.dataset.edgeState = "missing";
    window.shopNotices.tell?.({
      name: "status",
      body: { state: "missing" },
      ts: Date.now(),
    });
  };
  window.addEventListener("error", lost, true);
})();
