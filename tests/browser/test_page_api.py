"""The public API on a page: router, capture, listeners, and leaving without a trace."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import ECHO, SYSTEM, Task, click_trigger, write_site
from .workers import running_at_last

NOTHING = "async def run(ctx, activation):\n    return None\n"


@pytest.fixture
def edge(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    home = {"type": "mta", "pageId": "Test", "needPv": True, "clickIds": []}
    cart = {**home, "pageId": "Cart"}
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Echo", "echo", ECHO), Task("Nothing", "nothing", NOTHING)],
        config={
            "triggers": [
                {"taskName": "Echo", "events": [home, cart]},
                click_trigger("Nothing", "buy"),
            ]
        },
    )
    return EdgePage(page, serve(site)).open()


ROUTER = """([system, business]) => new Promise((resolve) =>
  EdgeAI.router.to("JDEdgeAI", "infer").putString("systemCode", system)
    .putString("businessCode", business).extraObject("extData", {n: 1})
    .callBackListener({
      onComplete(...values) { resolve({complete: values}); },
      onError(code) { resolve({error: code}); },
    }).jump())"""


def test_the_native_mirror_answers_like_the_app(edge: EdgePage) -> None:
    edge.ready()

    def jump(business: str) -> dict[str, object]:
        answer: dict[str, object] = edge.page.evaluate(ROUTER, [SYSTEM, business])
        return answer

    assert jump("echo") == {"complete": [{"ext": {"n": 1}, "trigger": "api"}]}
    assert jump("nothing") == {"complete": []}
    assert jump("unknown") == {"error": 1003}


def test_a_page_view_and_a_click_start_their_tasks(edge: EdgePage) -> None:
    edge.ready()

    viewed = edge.until("result", taskName="Echo")
    edge.page.click("#buy")
    clicked = edge.until("result", taskName="Nothing")

    assert (viewed["trigger"], clicked["trigger"], clicked["value"]) == ("event", "event", None)
    assert set(clicked["timings"]) == {"queuedMs", "runMs", "inferMs", "laneMs", "totalMs"}


SECOND_RESULT = """() => new Promise((resolve) => {
  if (seen.result.length >= 2) resolve();
  EdgeAI.on("result", () => seen.result.length >= 2 && resolve());
})"""


def test_a_route_change_is_a_page_view(edge: EdgePage) -> None:
    edge.ready()
    edge.until("result", taskName="Echo")

    edge.page.evaluate(
        "() => { document.body.dataset.edgePage = 'Cart'; history.pushState({}, '', '/cart'); }"
    )
    edge.page.evaluate(SECOND_RESULT)

    assert [result["taskName"] for result in edge.seen("result")] == ["Echo", "Echo"]


def test_a_page_shown_again_is_a_page_view(edge: EdgePage) -> None:
    edge.ready()
    edge.until("result", taskName="Echo")

    # The pinned browser restores no page from the back/forward cache: the event is made by hand.
    edge.page.evaluate(
        "() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    )
    edge.page.evaluate(SECOND_RESULT)

    assert [result["taskName"] for result in edge.seen("result")] == ["Echo", "Echo"]


def test_a_click_inside_shadow_dom_and_svg_is_found(edge: EdgePage) -> None:
    edge.ready()
    edge.page.evaluate(
        """() => {
          const host = document.createElement("div");
          host.innerHTML = '<p data-edge-click="buy"></p>';
          host.firstChild.attachShadow({mode: "open"}).innerHTML =
            '<svg id="art" width="40" height="40"><circle cx="20" cy="20" r="20"/></svg>';
          document.body.append(host);
        }"""
    )

    edge.page.click("svg circle")

    assert edge.until("result", taskName="Nothing")["trigger"] == "event"


EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select page_id, click_id, props from events where click_id is not null")
"""


def test_a_click_on_a_field_is_stored_without_what_was_typed(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    site = write_site(tmp_path / "site", tasks=[Task("Events", "events", EVENTS)])
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    page.evaluate("() => { document.getElementById('secret').dataset.edgeClick = 'field'; }")

    page.fill("#secret", "typed-secret")
    page.click("#secret")

    assert edge.value("events") == [{"page_id": "Test", "click_id": "field", "props": "{}"}]


def test_a_listener_that_throws_does_not_silence_the_others(edge: EdgePage) -> None:
    edge.ready()
    edge.page.evaluate(
        "() => { window.after = []; EdgeAI.on('result', () => { throw new Error('mine'); });"
        " EdgeAI.on('result', (r) => after.push(r.taskName)); }"
    )

    edge.page.click("#buy")
    edge.until("result", taskName="Nothing")

    assert "Nothing" in edge.page.evaluate("() => after")


def test_an_abort_signal_and_a_timeout_end_a_run(serve: Serve, tmp_path: Path, page: Page) -> None:
    slow = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.sleep(600)\n"
    site = write_site(
        tmp_path / "site", tasks=[Task("Slow", "slow", slow), Task("Echo", "echo", ECHO)]
    )
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    timed_out = edge.infer("slow", timeoutMs=50)["error"]
    aborted = page.evaluate(
        """(system) => { const c = new AbortController();
          const call = {systemCode: system, businessCode: "slow", signal: c.signal};
          const run = settle(EdgeAI.infer(call));
          c.abort(); return run; }""",
        SYSTEM,
    )["error"]

    assert (timed_out["code"], timed_out["number"]) == ("task-timeout", 4002)
    assert aborted["code"] == "run-cancelled"
    assert edge.value("echo")["trigger"] == "api"
    queues = edge.call("statistics")["ok"]["queues"]
    assert sum(queue["running"] + queue["waiting"] for queue in queues.values()) == 0


def test_a_full_queue_refuses_and_says_so(serve: Serve, tmp_path: Path, page: Page) -> None:
    slow = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.sleep(0.2)\n"
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Slow", "slow", slow)],
        config={"scheduler": {"maxRunning": 1, "queueLimits": {"low": 2}}},
    )
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    settled = page.evaluate(
        """(system) => Promise.all([...Array(6)].map(() => settle(
          EdgeAI.infer({systemCode: system, businessCode: "slow", priority: "low"}))))""",
        SYSTEM,
    )

    refused = [one["error"] for one in settled if "error" in one]
    assert len(refused) == 3 and {error["code"] for error in refused} == {"queue-full"}
    assert refused[0]["details"] == {"queue": "low", "limit": 2}


def test_bytes_travel_both_ways(serve: Serve, tmp_path: Path, page: Page) -> None:
    source = (
        "async def run(ctx, activation):\n"
        "    data = activation.ext_data['photo']\n"
        "    return {'size': len(data), 'back': data[::-1]}\n"
    )
    edge = EdgePage(page, serve(write_site(tmp_path / "s", tasks=[Task("B", "b", source)]))).open()
    edge.ready()

    back = page.evaluate(
        """async (system) => { const r = await EdgeAI.infer({systemCode: system, businessCode: "b",
          extData: {photo: new Blob([new Uint8Array([1, 2, 255])])}});
          return [r.value.size, r.value.back instanceof Uint8Array, [...r.value.back]]; }""",
        SYSTEM,
    )

    assert back == [3, True, [255, 2, 1]]


def test_stop_leaves_nothing_and_start_works_again(edge: EdgePage) -> None:
    edge.ready()
    edge.until("result", taskName="Echo")
    push = "() => history.pushState.toString().includes('[native code]')"

    edge.call("stop")
    seen_before = len(edge.seen("result"))
    edge.page.click("#buy")

    assert edge.page.evaluate(push)
    assert running_at_last(edge.page, 0) == {}
    assert edge.infer("echo")["error"]["code"] == "runtime-stopped"
    assert len(edge.seen("result")) == seen_before

    edge.page.evaluate("async () => { await EdgeAI.start({config: '/config.json'}); }")
    assert edge.value("echo")["trigger"] == "api"


def test_pause_holds_and_resume_goes_on(edge: EdgePage) -> None:
    edge.ready()
    edge.until("result", taskName="Echo")

    edge.call("pause")
    refused = edge.infer("echo")["error"]
    edge.call("resume")

    assert refused["code"] == "runtime-paused"
    assert edge.value("echo")["trigger"] == "api"
