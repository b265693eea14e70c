"""A polite guest: what it leaves on a page, and what it does before it is asked or shown."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Serve
from .edge_page import EdgePage
from .page_trace import PageTrace
from .site import ECHO, Task, write_site
from .workers import running, running_at_last

EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select type, page_id, click_id, props from events order by id")
"""
KEEP = """
import asyncio
async def run(ctx, activation):
    for n in range(10_000):
        await ctx.put("kept", n)
        await asyncio.sleep(0.002)
"""
KEEPING = """async () => {
  EdgeAI.infer({ systemCode: "test-shop", businessCode: "keep" }).catch(() => {});
  while (!((await EdgeAI.get("kept")) > 5));
}"""
TAG = '<script src="/edge/edge.js" data-config="/config.json" async></script>'
DATABASES = "async () => (await indexedDB.databases()).map(({ name }) => name).sort()"
EDGE = {"edge-keys", "edge-store"}
UNTIL_LOADED = """() => new Promise((ok) => {
  if (document.readyState === "complete") ok(); else addEventListener("load", () => ok());
})"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    tasks = [Task("Echo", "echo", ECHO), Task("Events", "events", EVENTS)]
    tasks.append(Task("Keep", "keep", KEEP, {"timeout_ms": 60_000}))
    folder = write_site(tmp_path / "site", tasks=tasks)
    page = (folder / "index.html").read_text()
    assert TAG in page
    gated = TAG.replace(" async", ' data-consent="required" async')
    (folder / "gated.html").write_text(page.replace(TAG, gated))
    (folder / "twice.html").write_text(page.replace(TAG, TAG + TAG))
    body = '<body data-edge-page="Bare"><p data-edge-expose="p" data-edge-click="p">Text</p></body>'
    (folder / "nothing.js").write_text("")
    (folder / "bare.html").write_text(f"<!doctype html><title>Bare</title>{body}")
    return folder


@pytest.fixture
def url(serve: Serve, site: Path) -> str:
    return serve(site)


USE = """async () => {
  await EdgeAI.start({ config: "/config.json", exposure: true });
  document.querySelector("p").click();
  history.pushState({}, "", "/other");
  await EdgeAI.infer({ systemCode: "test-shop", businessCode: "echo" });
  document.body.append(document.createElement("div"));
}"""


def test_stop_leaves_nothing_but_its_name(url: str, page: Page) -> None:
    trace = PageTrace.of(page, f"{url}/bare.html")
    page.add_script_tag(url="/edge/edge.js")
    page.evaluate(USE)
    meanwhile = trace.left()

    page.evaluate("() => { history.pushState({}, '', '/third'); return EdgeAI.stop(); }")

    # What can be seen while it runs can be missed afterwards.
    assert {"window: click", "timeouts", "worker: runtime-worker", "locks"} <= set(meanwhile)
    assert {"history.pushState", "history.replaceState"} <= set(meanwhile["properties"])
    only_its_name = {"properties": ["EdgeAI"]}
    assert trace.left_at_last(only_its_name) == only_its_name


def test_what_a_start_and_a_stop_leave_does_not_grow(url: str, page: Page) -> None:
    trace = PageTrace.of(page, f"{url}/bare.html")
    page.add_script_tag(url="/edge/edge.js")
    first: dict[str, int] = {}

    for _ in range(2):
        page.evaluate(USE)
        assert trace.live()["Worker"] > 0
        page.evaluate("() => EdgeAI.stop()")
        assert running_at_last(page, 0) == {}
        first = first or trace.live()

    assert trace.falls_to(first)


def test_a_refused_start_and_one_that_ends_before_it_boots_leave_nothing(
    url: str, page: Page
) -> None:
    trace = PageTrace.of(page, f"{url}/bare.html")
    page.add_script_tag(url="/edge/edge.js")

    page.evaluate("() => EdgeAI.start({ config: '/config.json', consent: false })")
    refused = trace.left()
    page.evaluate(
        "() => { EdgeAI.consent(true).catch(() => {}); history.pushState({}, '', '/other');"
        " return EdgeAI.stop(); }"
    )

    assert refused == {"properties": ["EdgeAI"]}
    assert trace.left() == {"properties": ["EdgeAI"]}


def test_nothing_is_printed(url: str, page: Page) -> None:
    printed: list[str] = []
    page.on("console", lambda message: printed.append(message.text))
    edge = EdgePage(page, url).open()

    edge.ready()
    page.click("#buy")
    edge.value("echo")
    edge.call("stop")

    assert printed == []


def test_before_consent_there_is_nothing_and_then_there_is(url: str, page: Page) -> None:
    edge = EdgePage(page, url).open("/gated.html")
    page.evaluate(UNTIL_LOADED)
    page.click("#buy")

    assert edge.infer("echo")["error"]["code"] == "runtime-stopped"
    assert running(page) == {}
    assert page.evaluate(DATABASES) == []

    assert edge.call("consent", True) == {"ok": None}
    page.click("#other")
    clicks = [row["click_id"] for row in edge.value("events") if row["click_id"]]
    assert clicks == ["other"]


def test_consent_that_is_taken_back_erases_for_all_tabs(
    url: str, page: Page, context: BrowserContext
) -> None:
    first = EdgePage(page, url).open()
    first.ready()
    second = EdgePage(context.new_page(), url).open()
    second.ready()
    first.call("put", "key", 1)
    assert second.call("get", "key") == {"ok": 1}

    assert first.call("consent", False) == {"ok": None}

    assert running_at_last(page, 1, "runtime-worker").total() == 1
    assert second.call("get", "key") == {"ok": None}
    assert [row["click_id"] for row in second.value("events")] == []
    second.call("consent", False)
    assert not EDGE & set(page.evaluate(DATABASES))


def test_consent_that_is_refused_erases_what_earlier_visits_left(url: str, page: Page) -> None:
    earlier = EdgePage(page, url).open()
    earlier.ready()
    earlier.call("put", "key", 1)
    edge = EdgePage(page, url).open("/gated.html")
    page.evaluate(UNTIL_LOADED)
    assert EDGE <= set(page.evaluate(DATABASES))

    assert edge.call("consent", False) == {"ok": None}

    assert running_at_last(page, 0) == {}
    assert not EDGE & set(page.evaluate(DATABASES))


def test_two_copies_of_the_script_are_one(url: str, page: Page) -> None:
    edge = EdgePage(page, url).open("/twice.html")
    edge.ready()

    page.click("#buy")

    events = [(row["type"], row["click_id"]) for row in edge.value("events")]
    assert events == [("mta", None), ("mta", "buy")]
    assert running(page)["runtime-worker"] == 1


COPIES = """async (addresses) => {
  const copies = [];
  for (const address of addresses) {
    if (address.includes(".mjs")) copies.push((await import(address)).default);
    else {
      const script = Object.assign(document.createElement("script"), { src: address });
      await new Promise((ok) => document.head.append(Object.assign(script, { onload: ok })));
      copies.push(EdgeAI);
    }
  }
  for (const copy of copies) await copy.start({ config: "/config.json" });
  document.querySelector("p").click();
  const { value } = await copies.at(-1).infer({ systemCode: "test-shop", businessCode: "events" });
  return value.filter(({ type }) => type === "mta").map((row) => row.click_id);
}"""


@pytest.mark.parametrize(
    "names",
    [("edge.js", "edge.mjs"), ("edge.mjs", "edge.js"), ("edge.mjs", "edge.mjs?copy")],
    ids="-".join,
)
def test_copies_of_both_kinds_are_one(url: str, page: Page, names: tuple[str, str]) -> None:
    page.goto(f"{url}/bare.html")

    clicks = page.evaluate(COPIES, [f"/edge/{name}" for name in names])

    assert clicks == [None, "p"]
    assert running(page)["runtime-worker"] == 1


IFRAME = """() => new Promise((ok) => {
  const frame = document.createElement("iframe");
  frame.src = "/index.html?inner";
  frame.onload = ok;
  document.body.append(frame);
})"""


def test_an_iframe_has_a_runtime_of_its_own_that_follows(url: str, page: Page) -> None:
    edge = EdgePage(page, url).open()
    edge.ready()
    page.evaluate(IFRAME)
    [inner] = page.frames[1:]

    inner.evaluate("() => EdgeAI.q ? EdgeAI.q.push(['flush']) : EdgeAI.flush()")
    status = inner.evaluate("() => untilStarted()")
    inner.click("#buy")
    inner.evaluate("() => EdgeAI.flush()")
    page.click("#other")

    assert (status["state"], status["role"]) == ("ready", "follower")
    clicks = sorted(row["click_id"] for row in edge.value("events") if row["click_id"])
    assert clicks == ["buy", "other"]


SAVE_DATA = "Object.defineProperty(navigator.connection, 'saveData', { value: true })"


def test_with_save_data_the_worker_is_loaded_at_the_first_click(url: str, page: Page) -> None:
    page.add_init_script(SAVE_DATA)
    edge = EdgePage(page, url).open()
    page.evaluate("() => new Promise((ok) => requestIdleCallback(() => setTimeout(ok)))")
    before = running(page)

    page.click("#buy")
    status = page.evaluate("() => untilStarted()")

    assert (before, status["state"]) == ({}, "ready")
    events = [(row["type"], row["click_id"]) for row in edge.value("events")]
    assert events == [("mta", None), ("mta", "buy")]


def test_what_a_run_in_the_middle_writes_is_erased_as_well(url: str, page: Page) -> None:
    edge = EdgePage(page, url).open()
    edge.ready()
    page.evaluate(KEEPING)

    assert edge.call("consent", False) == {"ok": None}

    assert running_at_last(page, 0) == {}
    assert not EDGE & set(page.evaluate(DATABASES))
