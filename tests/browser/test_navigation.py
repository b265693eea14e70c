"""Routers of real libraries: one view where the page comes to rest, and nothing counted twice."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import ROOT, Serve
from .site import SLOW_TO_REST, write_site
from .workers import running

ROUTERS = Path(__file__).parent / "routers"
NODE_MODULES = ROOT / "node_modules"
EDGE = '<script src="/edge/edge.js" data-config="/config.json"></script>'
# What the runtime tells of as it is captured; a test waits for it inside the page.
TELL = """<script>
  window.told = [];
  const waiting = new Set();
  window.EdgeAI = window.EdgeAI || { q: [] };
  EdgeAI.q.push(["on", "event", ({ type, pageId, clickId }) => {
    told.push([type.replace(/^mta\\.?/, "") || (clickId ? "click" : "view"), pageId, clickId]);
    for (const check of waiting) check();
  }]);
  window.untilTold = (count, ...event) => new Promise((ok) => {
    const isIt = (told) => event.every((part, index) => told[index] === part);
    const check = () => {
      if (told.filter(isIt).length < count) return;
      waiting.delete(check);
      ok();
    };
    waiting.add(check);
    check();
  });
</script>"""
APP = f"""<!doctype html><meta charset="utf-8"><title>App</title>
{TELL}{EDGE}<div id="app"></div><script src="/app.js"></script>"""


def bundled(name: str) -> str:
    """Return an application compiled for the browser, as its authors ship it."""
    flags = ["--bundle", "--format=iife", '--define:process.env.NODE_ENV="production"']
    vue = ["--define:__VUE_OPTIONS_API__=true", "--define:__VUE_PROD_DEVTOOLS__=false"]
    vue.append("--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=false")
    command = [str(NODE_MODULES / ".bin" / "esbuild"), str(ROUTERS / f"{name}.js"), *flags, *vue]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def told(page: Page, *kinds: str) -> list[list[str]]:
    found: list[list[str]] = page.evaluate("() => told")
    return [event for event in found if event[0] in kinds]


def walk(page: Page, link: str, views: int) -> None:
    page.click(f"#{link}")
    page.evaluate("([count]) => untilTold(count, 'view')", [views])


@pytest.mark.parametrize(
    ("router", "search"), [("react", ""), ("vue", ""), ("vue", "?hash")], ids=str
)
def test_a_router_has_one_view_a_page_and_clicks_and_exposures_of_it(
    serve: Serve, tmp_path: Path, page: Page, router: str, search: str
) -> None:
    site = write_site(tmp_path / "site")
    (site / "app.html").write_text(APP)
    (site / "app.js").write_text(bundled(router))
    page.add_init_script(SLOW_TO_REST)
    page.goto(f"{serve(site, csp='off')}/app.html{search}")
    page.wait_for_selector("main")

    page.evaluate("() => untilTold(1, 'view')")
    walk(page, "list", 2)
    page.click("[data-edge-expose]")
    page.evaluate("() => untilTold(1, 'exposure', 'List')")
    walk(page, "old", 3)
    page.go_back()
    page.evaluate("() => untilTold(2, 'exposure', 'List')")
    page.evaluate("() => untilTold(4, 'view')")

    views = [page_id for _, page_id, _ in told(page, "view")]
    assert views == [views[0], "List", "Item", "List"]
    assert told(page, "click") == [
        ["click", "Home", "to list"],
        ["click", "List", "row"],
        ["click", "List", "to old"],
    ]
    assert [name for _, name, _ in told(page, "exposure")].count("List") == 2


TURBO = """<!doctype html><html><head><meta charset="utf-8"><title>{name}</title>
{tell}<script src="/turbo.js"></script></head>
<body data-edge-page="{name}">{edge}
  <p data-edge-click="row" data-edge-expose="row">{name}</p>
  <a id="{to}" href="/{to}.html" data-edge-click="to {to}">{to}</a>
</body></html>"""


def test_turbo_may_run_the_script_at_every_visit(serve: Serve, tmp_path: Path, page: Page) -> None:
    site = write_site(tmp_path / "site")
    turbo = NODE_MODULES / "@hotwired" / "turbo" / "dist" / "turbo.es2017-umd.js"
    (site / "turbo.js").write_bytes(turbo.read_bytes())
    for name, to in (("first", "second"), ("second", "first")):
        text = TURBO.format(name=name, to=to, tell=TELL, edge=EDGE)
        (site / f"{name}.html").write_text(text)
    page.add_init_script(SLOW_TO_REST)
    page.goto(f"{serve(site, csp='off')}/first.html")

    page.evaluate("() => { window.first = EdgeAI; return untilTold(1, 'exposure', 'first'); }")
    walk(page, "second", 2)
    page.evaluate("() => untilTold(1, 'exposure', 'second')")
    page.click("[data-edge-expose]")
    # Of this one Turbo has a preview, and shows the page itself when it has come.
    walk(page, "first", 3)
    page.evaluate("() => untilTold(2, 'exposure', 'first')")
    page.go_back()
    page.evaluate("() => untilTold(4, 'view')")

    assert page.evaluate("() => first === EdgeAI && first.flush()") is None
    assert running(page)["runtime-worker"] == 1
    assert [name for _, name, _ in told(page, "view")] == ["first", "second", "first", "second"]
    assert told(page, "click") == [
        ["click", "first", "to second"],
        ["click", "second", "row"],
        ["click", "second", "to first"],
    ]
    exposed = [name for _, name, _ in told(page, "exposure")]
    assert exposed[:3] == ["first", "second", "first"]
