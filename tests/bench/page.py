"""What the page pays: script size, long tasks, the cost of a captured click."""

import json
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.site import ECHO, Task

from .harness import DIST, fresh_page, p50, p99, served
from .report import Measure
from .sites import plain_site

CLICKS = 3_000

OBSERVE_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
"""

FIRST_RESULT = """() => new Promise((resolve) => {
  const settle = (result) => setTimeout(() => resolve({ result, longTasks }), 200);
  if (window.EdgeAI?.on) EdgeAI.on("result", settle); else EdgeAI.q.push(["on", "result", settle]);
})"""

# A figure of zero counts only if the observer sees a task that is long for certain.
PLANT_LONG_TASK = """() => new Promise((resolve) => {
  const before = longTasks.length;
  setTimeout(() => { const end = performance.now() + 120; while (performance.now() < end); });
  setTimeout(() => resolve(longTasks.length - before), 500);
})"""

# The page's own cost of a click is in both figures: the page without us is the peer.
CLICK_COST = """(count) => {
  const target = document.getElementById("target");
  const costs = [];
  for (let i = 0; i < count; i++) {
    const event = new MouseEvent("click", { bubbles: true, composed: true, cancelable: true });
    const started = performance.now();
    target.dispatchEvent(event);
    costs.push(performance.now() - started);
  }
  return costs;
}"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure all page figures."""
    return [
        script_size(),
        long_tasks(browser, folder / "long"),
        *click_cost(browser, folder / "click"),
    ]


def script_size() -> Measure:
    """Read the shipped script's compressed size from the build's manifest."""
    entry = json.loads((DIST / "manifest.json").read_text())["files"]["edge.js"]
    details = {"raw_bytes": entry["bytes"]}
    return Measure(
        "page.edge_js_br_bytes", entry["brBytes"], 10_240, "none (absolute)", details=details
    )


def long_tasks(browser: Browser, folder: Path) -> Measure:
    """Count main-thread tasks over 50 ms, script start to first result, minus the bare page's."""
    pattern = {"type": "mta", "pageId": "Bench", "needPv": True, "clickIds": []}
    config = {"triggers": [{"taskName": "Echo", "events": [pattern]}]}
    site = plain_site(folder, tasks=[Task("Echo", "echo", ECHO)], config=config, scripts=())
    bare = (site / "index.html").read_text()
    tag = '<script src="/edge/edge.js" data-config="/config.json" async></script>'
    first = '<script src="/queue.js"></script>'
    (site / "queue.js").write_text("window.EdgeAI = window.EdgeAI || { q: [] };")
    (site / "with.html").write_text(bare.replace("</body>", f"{first}{tag}</body>"))
    with served(site) as server, fresh_page(browser) as page:
        page.add_init_script(OBSERVE_LONG_TASKS)
        page.goto(server.url)
        without = page.evaluate("() => new Promise((ok) => setTimeout(() => ok(longTasks), 1000))")
        page.goto(f"{server.url}/with.html")
        seen = page.evaluate(FIRST_RESULT)["longTasks"]
        if page.evaluate(PLANT_LONG_TASK) < 1:
            raise RuntimeError("long tasks: expected to see the planted one, got none")
    details = {"with_us": len(seen), "bare_page": len(without), "longest_ms": max(seen, default=0)}
    return Measure(
        "page.long_tasks",
        max(0, len(seen) - len(without)),
        0,
        "the page without us",
        details=details,
    )


def click_cost(browser: Browser, folder: Path) -> list[Measure]:
    """Time a dispatched click with and without capture on the same page."""
    site = plain_site(folder, scripts=("/edge/edge.js",))
    bare = (site / "index.html").read_text().replace('<script src="/edge/edge.js"></script>', "")
    (site / "bare.html").write_text(bare)
    config = {"schemaVersion": 1, "systemCode": "bench"}
    with served(site, isolated=True) as server, fresh_page(browser) as page:
        page.goto(f"{server.url}/bare.html")
        page.evaluate(CLICK_COST, CLICKS)
        without = page.evaluate(CLICK_COST, CLICKS)
        page.goto(server.url)
        page.evaluate("async (config) => { await EdgeAI.start({ config }); }", config)
        page.evaluate(CLICK_COST, CLICKS)
        page.evaluate("() => EdgeAI.flush()")
        captured = page.evaluate(CLICK_COST, CLICKS)
    details = {
        "p50_ms": round(p50(captured), 4),
        "bare_p99_ms": round(p99(without), 4),
        "clicks": CLICKS,
    }
    return [
        Measure("page.capture_p99_ms", p99(captured), 0.2, "the page without us", details=details)
    ]
