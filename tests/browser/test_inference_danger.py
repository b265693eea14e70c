"""Ends of a page amid a measurement: the next visit steps down, a later one tries once more."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from .conftest import OpenModels
from .inference_stage import InferencePage
from .site import Model, double_model

SHAPE = (3,)
MODELS = {"double": Model(double_model(3))}
# What takes a browser down takes its time about it here: while a note says so, WebNN never opens.
HANGING = """
if (self.ML && self.name.endsWith("webnn-cpu")) {
  const { createContext } = ML.prototype;
  ML.prototype.createContext = async function (...args) {
    if (!(await caches.has("dangerous"))) return createContext.apply(this, args);
    await caches.open("tried");
    return new Promise(() => {});
  };
}
"""
UNTIL_TRIED = "async () => { while (!(await caches.has('tried'))); }"
ENDED = "the browser, the page or its worker ended while this was tried the last time"


def crash(page: Page) -> None:
    """End the page's process, as an accelerator's driver may."""
    session = page.context.new_cdp_session(page)

    def send(_: object) -> None:
        # Nobody is left to answer it.
        with contextlib.suppress(Error):
            session.send("Page.crash")

    page.once("console", send)
    # The answer may not leave before the process has ended.
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.evaluate("() => void console.log('now')")


def crash_amid_measuring(page: InferencePage) -> None:
    page.page.evaluate("async () => { await caches.open('dangerous'); }")
    page.run("double", SHAPE)
    page.page.evaluate(UNTIL_TRIED)
    crash(page.page)


def visit(page: InferencePage) -> InferencePage:
    """Open the site again in another tab of the same browser; no other one has it open."""
    again = InferencePage(page.page.context.new_page(), page.url).open()
    again.ready()
    return again


def calm(page: InferencePage) -> None:
    page.page.evaluate("() => Promise.all(['dangerous', 'tried'].map((it) => caches.delete(it)))")


def leave(page: Page) -> None:
    page.goto("about:blank")


def refusals(page: InferencePage) -> dict[str, str | None]:
    plans = page.measured("double")["models"]["double"]["plans"]
    return {plan["backend"]: plan["refused"] for plan in plans}


@pytest.fixture
def opened(open_models: OpenModels, accelerated: Browser) -> Iterator[InferencePage]:
    with accelerated.new_context() as context:
        yield open_models(MODELS, worker=HANGING, page=context.new_page())


def test_what_ended_a_visit_is_left_alone_for_the_next_one_and_then_tried_again(
    opened: InferencePage,
) -> None:
    crash_amid_measuring(opened)

    second = visit(opened)
    calm(second)
    value, backend = second.run("double", SHAPE)
    second.until_figures("(it) => it.models.double.plans.some(({ ms }) => ms !== null)")
    plans = {plan["backend"]: plan for plan in second.statistics()["models"]["double"]["plans"]}
    leave(second.page)
    third = visit(opened)
    third.run("double", SHAPE)

    assert value == [2, 2]
    assert backend["name"] == "wasm"
    assert backend["refused"]["webnn-cpu"] == ENDED
    assert plans["webnn-cpu"]["ms"] is None
    assert refusals(third) == {"wasm": None, "webnn-cpu": None}


def test_what_ended_two_visits_is_refused_from_then_on(opened: InferencePage) -> None:
    crash_amid_measuring(opened)
    second = visit(opened)
    second.run("double", SHAPE)
    leave(second.page)
    third = visit(opened)
    calm(third)
    crash_amid_measuring(third)

    fourth = visit(opened)
    calm(fourth)
    fourth.run("double", SHAPE)

    assert refusals(fourth) == {"wasm": None, "webnn-cpu": ENDED}


def reload(page: InferencePage) -> InferencePage:
    page.page.reload()
    page.ready()
    return page


def go_away(page: InferencePage) -> InferencePage:
    leave(page.page)
    return visit(page)


def close(page: InferencePage) -> InferencePage:
    page.page.close()
    return visit(page)


@pytest.mark.parametrize("end", [reload, go_away, close])
def test_a_page_that_is_left_amid_a_measurement_refuses_nothing_for_long(
    opened: InferencePage, end: Callable[[InferencePage], InferencePage]
) -> None:
    opened.page.evaluate("async () => { await caches.open('dangerous'); }")
    opened.run("double", SHAPE)
    opened.page.evaluate(UNTIL_TRIED)
    calm(opened)

    # The store is told as the page goes, and may hear of it in time or not.
    second = end(opened)
    _, backend = second.run("double", SHAPE)
    leave(second.page)
    third = visit(opened)
    third.run("double", SHAPE)

    assert backend["refused"].get("webnn-cpu") in (None, ENDED)
    assert refusals(third) == {"wasm": None, "webnn-cpu": None}
