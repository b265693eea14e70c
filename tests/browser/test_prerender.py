"""A page that the browser renders ahead of need, by speculation rules, and then shows."""

from pathlib import Path

from playwright.sync_api import Playwright

from .conftest import Serve
from .plain_chromium import PlainChromium, PlainTab, builds
from .site import Task, write_site

EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select type, click_id from events order by id")
"""
# It shows the next page once that is rendered, which says so in the one way that is not put off.
FIRST = """<!doctype html><title>First</title>
<script type="speculationrules">
  { "prerender": [{ "urls": ["/index.html"], "eagerness": "immediate" }] }
</script>
<script>
  addEventListener("storage", () => { location = "/index.html"; });
</script>"""
# What the page that is rendered ahead was told, and what was there when it was shown; its title
# says how its start ended, to whoever must not attach before: a debugger may hold new workers.
STARTED = "started: "
NOTES = """<script>
  window.notes = { ahead: document.prerendering };
  const tell = () => {
    const { state, error } = seen.status.at(-1) ?? {};
    if (error || state === "ready") document.title = `started: ${error?.message ?? state}`;
    else setTimeout(tell, 20);
  };
  const workers = () => performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("runtime-worker")).length;
  document.addEventListener("prerenderingchange", () => {
    Object.assign(notes, { workers: workers(), states: seen.status.map(({ state }) => state) });
    tell();
  });
  addEventListener("load", () => {
    document.getElementById("buy").click();
    localStorage.setItem("rendered", 1);
  });
</script>"""


def test_a_page_rendered_ahead_begins_when_it_is_shown(
    serve: Serve, tmp_path: Path, playwright: Playwright
) -> None:
    site = write_site(tmp_path / "site", tasks=[Task("Events", "events", EVENTS)])
    (site / "first.html").write_text(FIRST)
    page = (site / "index.html").read_text()
    (site / "index.html").write_text(page.replace("</title>", f"</title>{NOTES}"))
    url = serve(site, csp="off")

    with PlainChromium(builds()[0], f"{url}/first.html") as browser:
        assert browser.title(STARTED) == f"{STARTED}ready"
        (shown,) = browser.attach(playwright).pages
        tab = PlainTab(shown, url)
        tab.ready()
        tab.click("#other")

        assert tab.evaluate("() => notes") == {"ahead": True, "workers": 0, "states": []}
        events = [(row["type"], row["click_id"]) for row in tab.infer("events")]
        assert events == [("mta", None), ("mta", "other")]
