"""A shopper's visit on every engine: start, clicks, capture, models, tasks that fail."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import DIST
from web_runtime.serve import BackgroundServer, create_app

from .conftest import OpenShop
from .found import Kind
from .shop import Shop


@pytest.mark.feature("boot")
def test_it_starts_from_the_snapshot(shop: Shop) -> None:
    status = shop.ready()

    assert status["boot"]["mode"] == "snapshot", status["boot"]
    assert (status["role"], status["problems"]) == ("writer", [])


@pytest.mark.feature("idle")
def test_it_starts_by_itself_whatever_the_page_is_told(shop: Shop, kind: Kind) -> None:
    status = shop.evaluate("() => untilStarted()")

    assert status["state"] == "ready", status
    idle = shop.evaluate("() => typeof requestIdleCallback === 'function'")
    connection = shop.evaluate("() => typeof navigator.connection === 'object'")
    assert (idle, connection) == (kind.idle_callback, kind.connection)


@pytest.mark.feature("click")
def test_a_click_triggers_a_task_whose_result_is_on_the_page(shop: Shop) -> None:
    shop.ready()

    shop.tab.click("#buy")
    told = shop.until("result", taskName="Echo")

    assert told["value"]["trigger"] == "event"
    (click,) = (row for row in shop.value("events") if row["click_id"])
    assert (click["click_id"], click["props"]) == ("buy", '{"sku":7}')


@pytest.mark.feature("capture")
def test_keys_click_too(shop: Shop) -> None:
    shop.ready()

    shop.tab.press("#other", "Enter")
    shop.tab.press("#buy", "Space")
    shop.until("result", taskName="Echo")

    clicks = [(row["click_id"], row["props"]) for row in shop.value("events") if row["click_id"]]
    assert clicks == [("other", "{}"), ("buy", '{"sku":7}')]


ROUTE = """async () => {
  document.body.removeAttribute("data-edge-page");
  history.pushState({}, "", "/route");
  await until("result", { taskName: "Echo" });
  const gone = new Promise((ok) => addEventListener("popstate", ok, { once: true }));
  history.back();
  await gone;
}"""


@pytest.mark.feature("capture")
def test_a_route_of_a_single_page_shop_is_a_view(shop: Shop) -> None:
    shop.ready()

    shop.evaluate(ROUTE)

    views = [(row["type"], row["page_id"]) for row in shop.value("events") if row["pv"]]
    assert views[:3] == [("mta", "Test"), ("mta.exit", "Test"), ("mta", "/route")]


@pytest.mark.feature("capture")
def test_what_is_seen_is_an_exposure(shop: Shop) -> None:
    shop.ready()
    types = [row["type"] for row in shop.value("events")]
    assert "mta.exposure" not in types

    shop.evaluate("() => document.getElementById('below').scrollIntoView()")
    shop.until("result", taskName="Echo")

    rows = [row for row in shop.value("events") if row["type"] == "mta.exposure"]
    assert [(row["page_id"], row["click_id"]) for row in rows] == [("Test", "below")]


@pytest.mark.feature("capture")
def test_a_page_that_one_goes_back_to_works_as_before(shop: Shop) -> None:
    shop.ready()

    shop.open("/blank.html")
    shop.tab.back()

    shop.ready()
    shop.tab.click("#buy")
    shop.until("result", taskName="Echo")
    assert shop.value("echo", {"a": 1})["ext"] == {"a": 1}


@pytest.mark.feature("picture")
def test_a_task_decodes_a_picture(shop: Shop) -> None:
    shop.ready()
    file = BytesIO()
    Image.new("RGB", (4, 4), (250, 120, 3)).save(file, "PNG")

    shape, data = shop.value("picture", {"bytes": list(file.getvalue())})

    assert (shape, data) == ([1, 1, 3], [250, 120, 3])


@pytest.mark.feature("model")
def test_a_model_computes(shop: Shop) -> None:
    shop.ready()

    settled = shop.infer("double", {"x": [1, -2.5, 0]})

    assert "ok" in settled, settled["error"]
    assert settled["ok"]["value"] == [2, -5, 0]
    assert settled["ok"]["backend"]["double"]["name"] == "wasm"


@pytest.fixture
def isolated(site: Path) -> Iterator[str]:
    with BackgroundServer(create_app(site, DIST, isolated=True)) as server:
        yield server.url


@pytest.mark.feature("isolated")
def test_it_all_works_isolated_from_other_origins(open_shop: OpenShop, isolated: str) -> None:
    shop = open_shop()
    shop.url = isolated

    assert shop.open().ready()["boot"]["crossOriginIsolated"] is True

    settled = shop.infer("double", {"x": [1, -2.5, 0]})
    cores = shop.evaluate("() => navigator.hardwareConcurrency")
    assert "ok" in settled, settled["error"]
    assert settled["ok"]["value"] == [2, -5, 0]
    assert settled["ok"]["backend"]["double"]["threads"] == min(4, (cores + 1) // 2)
    assert shop.infer("loop")["error"]["code"] == "task-timeout"


@pytest.mark.feature("webgpu")
def test_a_model_for_webgpu_falls_back_and_says_why(shop: Shop, kind: Kind) -> None:
    shop.ready()

    settled = shop.infer("pinned", {"x": [1, -2.5, 0]})

    assert "ok" in settled, settled["error"]
    backend = settled["ok"]["backend"]["pinned"]
    assert (settled["ok"]["value"], backend["name"]) == ([2, -5, 0], "wasm")
    assert backend["refused"]["webgpu"] == kind.webgpu_refusal
    assert backend["fallbackReason"] == f"webgpu: {kind.webgpu_refusal}"


@pytest.mark.feature("failure")
@pytest.mark.parametrize("path", ["/", "/vms.html"], ids=["as-it-comes", "in-a-vm"])
def test_a_task_that_raises_or_never_ends_ends_alone(shop: Shop, path: str) -> None:
    shop.open(path).ready()

    assert shop.infer("raise")["error"]["code"] == "task-raised"
    assert shop.infer("loop")["error"]["code"] == "task-timeout"

    assert shop.value("echo", {"a": 1})["ext"] == {"a": 1}


@pytest.mark.feature("vms")
def test_tasks_run_in_vms_where_the_browser_tells_of_memory(shop: Shop, kind: Kind) -> None:
    shop.ready()
    shop.value("echo")

    assert shop.call("statistics")["ok"]["vms"]["mode"] == kind.vms


@pytest.mark.feature("vms")
def test_tasks_run_in_vms_where_the_page_wants_it(shop: Shop) -> None:
    shop.open("/vms.html").ready()
    shop.value("echo")

    vms = shop.call("statistics")["ok"]["vms"]
    assert (vms["mode"], vms["ready"], vms["reason"]) == ("workers", 1, None)
