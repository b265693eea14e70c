"""The inspector on a page under a strict policy: what it shows, to whom, and what it leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.testing.trace_lines import parse_trace
from playwright.sync_api import Locator, Page

from web_runtime.serve import POLICIES, BackgroundServer, Headers, create_app

from .accessible import barriers
from .conftest import DEMO_DIST, DIST, Serve
from .edge_page import EdgePage
from .site import ECHO, Task, click_trigger, double_model, write_site

FAILS = 'async def run(ctx, activation):\n    raise ValueError("no luck")\n'
DOUBLE = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    print("doubling")
    outputs = await ctx.infer("double", {"x": Tensor.float32([1.0, 2.0])})
    return outputs["y"].tolist()
"""
TASKS = [
    Task("Echo", "echo", ECHO),
    Task("Fails", "fails", FAILS),
    Task("Double", "double", DOUBLE, {"models": ["double"], "timeout_ms": 60_000}),
]
TABS = ["runs", "events", "queues", "models", "store", "system", "log"]

START = "(options) => EdgeAI.start({ config: '/config.json', capture: false, ...options })"
LATE = """<!doctype html><title>Late</title><script src="/late.js"></script>
<script type="module" src="/edge/edge-inspector.mjs"></script><edge-inspector></edge-inspector>"""
# The inspector's own script has run by then, and the page has not loaded.
LATE_SCRIPT = """addEventListener("DOMContentLoaded", () => {
  document.head.append(Object.assign(document.createElement("script"), { src: "/edge/edge.js" }));
});"""
INSPECT = """async () => {
  await import("/edge/edge-inspector.mjs");
  const inspector = document.createElement("edge-inspector");
  inspector.open = true;
  document.body.append(inspector);
  await inspector.updateComplete;
}"""
LAYOUTS = [((360, 740), "light"), ((1280, 800), "dark")]


class Inspected(EdgePage):
    """A page with the inspector open on it."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page, url)
        page.on("console", lambda said: said.type == "error" and self.failures.append(said.text))
        self.host = page.locator("edge-inspector")

    def started(self, **options: Any) -> "Inspected":
        self.open("/stopped.html")
        self.page.evaluate(START, options)
        self.page.evaluate(INSPECT)
        return self

    def use(self) -> None:
        """Have an event, its run, and calls that end well and badly."""
        event = {"type": "mta", "pageId": "Test", "clickId": "buy", "props": {"sku": 7}}
        self.page.evaluate("(event) => EdgeAI.track(event)", event)
        self.until("result", taskName="Echo")
        assert self.value("double") == [2.0, 4.0]
        assert self.infer("fails")["error"]["code"] == "task-raised"

    def tab(self, name: str) -> Locator:
        self.host.locator(f"#tab-{name}").click()
        return self.host.get_by_role("tabpanel")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(
        tmp_path_factory.mktemp("inspected") / "site",
        tasks=TASKS,
        models={"double": double_model()},
        config={"triggers": [click_trigger("Echo", "buy")]},
    )


def test_closed_it_hears_of_a_runtime_whose_script_comes_after_it(
    site: Path, inspected: Inspected
) -> None:
    (site / "late.html").write_text(LATE)
    (site / "late.js").write_text(LATE_SCRIPT)
    inspected.open("/late.html")
    inspected.page.evaluate("() => EdgeAI.track({ type: 'mta', pageId: 'Early' })")

    inspected.page.evaluate("() => { document.querySelector('edge-inspector').open = true; }")

    assert "Early" in inspected.tab("events").inner_text()


@pytest.fixture
def inspected(serve: Serve, site: Path, page: Page) -> Inspected:
    return Inspected(page, serve(site))


def test_it_shows_what_happened_and_how_it_ended(inspected: Inspected) -> None:
    inspected.started().use()

    runs = inspected.tab("runs").locator("tr.run")
    runs.nth(2).wait_for()
    shown = [
        (run.get_attribute("data-task"), run.get_attribute("data-outcome")) for run in runs.all()
    ]
    # The call that failed is not told its task's name: no answer of it has come before.
    assert shown == [("fails", "failed"), ("Double", "ok"), ("Echo", "ok")]
    bar = runs.nth(1).get_by_role("img")
    assert "infer" in (bar.get_attribute("aria-label") or "")

    runs.nth(0).get_by_role("button").click()
    assert "ValueError: no luck" in inspected.host.locator("tr.details").inner_text()

    event = inspected.tab("events").locator("tbody tr")
    assert event.count() == 1
    assert all(text in event.inner_text() for text in ("Test › buy", '"sku":7', "Echo", "ok"))
    assert "doubling" in inspected.tab("log").inner_text()
    models = inspected.tab("models")
    models.get_by_text("wasm fp32").wait_for()
    assert "double" in models.inner_text()
    assert inspected.failures == []


def test_filters_narrow_and_pause_holds_what_is_shown(inspected: Inspected) -> None:
    inspected.started().use()
    host = inspected.host
    runs = host.locator("tr.run")
    runs.nth(2).wait_for()

    host.get_by_label("outcome").select_option("failed")
    runs.nth(1).wait_for(state="detached")
    assert runs.get_attribute("data-task") == "fails"
    host.get_by_label("outcome").select_option("")
    host.get_by_label("Text").fill("doub")
    runs.nth(1).wait_for(state="detached")
    assert runs.get_attribute("data-task") == "Double"
    host.get_by_label("Text").fill("")

    host.get_by_role("button", name="Pause").click()
    inspected.value("echo")
    assert runs.count() == 3
    host.get_by_role("button", name="Pause").click()
    runs.nth(3).wait_for()
    host.get_by_role("button", name="Clear").click()
    host.get_by_text("No runs yet").wait_for()


def test_keys_alone_are_enough(inspected: Inspected) -> None:
    page = inspected.started().page
    inspected.page.evaluate("() => document.querySelector('edge-inspector').focus()")
    focused = "() => document.activeElement.shadowRoot?.activeElement?.id"

    walked = []
    for _ in TABS:
        walked.append(page.evaluate(focused))
        page.keyboard.press("ArrowRight")
    assert walked == [f"tab-{name}" for name in TABS]
    page.keyboard.press("End")
    assert page.evaluate(focused) == "tab-log"
    page.keyboard.press("Home")
    # One stop for all tabs.
    page.keyboard.press("Tab")
    assert inspected.host.get_by_label("task").evaluate("(it) => it.matches(':focus')")

    page.evaluate(
        """() => document.querySelector("edge-inspector").addEventListener("close", () => {
          document.body.dataset.told = "close";
        })"""
    )
    page.keyboard.press("Escape")
    page.locator("body[data-told=close]").wait_for(state="attached")
    assert not inspected.host.is_visible()


@pytest.mark.parametrize(("size", "scheme"), LAYOUTS)
def test_nothing_of_it_is_a_barrier_or_overflows(
    inspected: Inspected, size: tuple[int, int], scheme: Any
) -> None:
    page = inspected.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    inspected.started().use()
    inspected.host.locator("tr.run").nth(2).wait_for()

    for name in TABS:
        pane = inspected.tab(name)
        pane.locator("table, dl").first.wait_for()
        # The test page itself has no heading and no landmark.
        mine = [each for each in barriers(page) if not each[0].startswith(("page-", "landmark-"))]
        assert mine == [], name
        assert pane.evaluate("(it) => it.scrollWidth <= it.clientWidth"), name
    assert inspected.failures == []


def test_it_asks_while_it_is_seen_and_leaves_nothing_behind(inspected: Inspected) -> None:
    page = inspected.open("/stopped.html").page
    page.evaluate(START, {})
    page.evaluate(
        """() => {
          window.held = { listeners: 0, timers: new Set(), asked: 0 };
          const { on, statistics } = EdgeAI;
          EdgeAI.on = (...given) => {
            const off = on(...given);
            held.listeners++;
            return () => { held.listeners--; off(); };
          };
          EdgeAI.statistics = () => { held.asked++; return statistics(); };
          const { setTimeout, clearTimeout } = window;
          // The inspector's own pauses, which are cut short: one too many is seen.
          window.setTimeout = (action, ms, ...rest) => {
            if (ms !== 500 && ms !== 120) return setTimeout(action, ms, ...rest);
            const id = setTimeout(() => { held.timers.delete(id); action(...rest); }, 5);
            held.timers.add(id);
            return id;
          };
          window.clearTimeout = (id) => { held.timers.delete(id); clearTimeout(id); };
          for (const target of [document, window]) {
            const { addEventListener, removeEventListener } = target;
            target.addEventListener = (...given) => {
              held.listeners++;
              addEventListener.apply(target, given);
            };
            target.removeEventListener = (...given) => {
              held.listeners--;
              removeEventListener.apply(target, given);
            };
          }
        }"""
    )
    globals_before = page.evaluate("() => Object.keys(window)")
    page.evaluate(INSPECT)
    inspected.tab("queues").locator("table").first.wait_for()
    held = "() => ({ ...held, timers: held.timers.size })"
    assert page.evaluate(held)["listeners"] == 8

    inspected.host.get_by_role("button", name="Close").click()
    asked = page.evaluate(held)["asked"]
    inspected.value("echo")
    inspected.value("echo")
    assert page.evaluate(held)["asked"] == asked > 0

    page.evaluate("() => { document.querySelector('edge-inspector').open = true; }")
    inspected.tab("queues").locator("table").first.wait_for()
    page.evaluate("() => document.querySelector('edge-inspector').remove()")
    inspected.value("echo")
    after = page.evaluate(held)
    assert (after["listeners"], after["timers"]) == (0, 0)
    added = set(page.evaluate("() => Object.keys(window)")) - set(globals_before)
    # Each Lit on a page writes its version there.
    assert {name for name in added if not name.startswith(("lit", "reactive"))} == set()


def test_a_trace_is_saved_for_replay_or_its_absence_explained(inspected: Inspected) -> None:
    page = inspected.started(trace=True).page
    inspected.use()

    with page.expect_download() as saving:
        inspected.host.get_by_role("button", name="Export").click()
    text = Path(saving.value.path()).read_text()
    assert saving.value.suggested_filename.startswith("edge-trace-")
    parse_trace(text)
    kinds = [json.loads(line)["kind"] for line in text.splitlines()]
    assert kinds.count("track") == 1 and kinds.count("infer") == 2

    inspected.started()
    inspected.host.get_by_role("button", name="Export").click()
    inspected.host.get_by_text("start({trace: true})").wait_for()


def test_trusted_types_may_be_required(site: Path, page: Page) -> None:
    allowed = "trusted-types edge-web-runtime lit-html"
    policy = f"{POLICIES['strict']}; require-trusted-types-for 'script'; {allowed}"
    headers = {"content-security-policy": policy}
    with BackgroundServer(Headers(create_app(site, DIST, csp="off"), headers)) as server:
        inspected = Inspected(page, server.url).started()
        assert inspected.infer("fails")["error"]["code"] == "task-raised"
        inspected.host.locator("tr.run").wait_for()
        assert inspected.failures == []


def test_the_demo_opens_it_in_place_of_its_panel(serve: Serve, page: Page) -> None:
    page.goto(serve(DEMO_DIST))
    page.click("#panel-toggle")
    page.click("#inspect")

    page.locator("edge-inspector").get_by_role("tab", name="Runs").wait_for()
    assert page.locator("#panel").is_hidden()
    page.keyboard.press("Escape")
    page.locator("edge-inspector").get_by_role("tab", name="Runs").wait_for(state="detached")
    assert page.evaluate("() => document.activeElement.id") == "panel-toggle"
