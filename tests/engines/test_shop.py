"""A shopper's visit on every engine: start, clicks, capture, models."""

import pytest

from .found import Kind
from .shop import Shop


@pytest.mark.feature("boot")
def test_it_starts_from_the_snapshot(shop: Shop, kind: Kind) -> None:
    status = shop.ready()

    assert status["boot"]["mode"] == "snapshot", status["boot"]
    assert (status["role"], status["problems"]) == ("writer", [])
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


@pytest.mark.feature("model")
def test_a_model_computes(shop: Shop, kind: Kind) -> None:
    shop.ready()

    settled = shop.infer("double", {"x": [1, -2.5, 0]})
    assert "ok" in settled, (settled, shop.evaluate("() => seen.log"))

    assert settled["ok"]["value"] == [2, -5, 0]
    assert settled["ok"]["backend"]["double"]["name"] == "wasm"
