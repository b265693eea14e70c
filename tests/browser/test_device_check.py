"""The device check: a report on a device that works, and on pages where the runtime cannot."""

from typing import Any

import pytest
from playwright.sync_api import Page

from .accessible import barriers
from .conftest import DEMO_DIST, Serve
from .workers import running_at_last

FINISHED = "html[data-check=finished]"
DEADLINE_MS = 120_000


def marks(page: Page) -> dict[str, str]:
    """Return by row what was found: yes, no, note or wait."""
    rows = page.locator("tr[data-code]").all()
    return {
        str(row.get_attribute("data-code")): str(row.get_attribute("data-mark")) for row in rows
    }


def finding(page: Page, code: str) -> str:
    return page.locator(f"tr[data-code={code}] .value").inner_text()


def finished(page: Page) -> None:
    page.locator(FINISHED).wait_for(timeout=DEADLINE_MS)
    assert "wait" not in marks(page).values()


def test_a_device_that_works_gets_a_report_that_can_be_passed_on(serve: Serve, page: Page) -> None:
    said: list[str] = []
    outside: list[str] = []
    url = serve(DEMO_DIST)
    page.on("console", lambda each: said.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda each: each.url.startswith(url) or outside.append(each.url))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.goto(f"{url}/device-check.html")
    finished(page)

    found = marks(page)
    works = ["wasm", "simd", "mw", "idb", "cry", "lock", "load", "boot", "vms", "task", "m-wasm"]
    works += ["put", "flush", "warm", "end"]
    assert {code: found[code] for code in works} == dict.fromkeys(works, "yes")
    assert [found[code] for code in ("thr", "m-webgpu", "m-webnn")] == ["no"] * 3
    assert "threads" in page.locator("#verdict").inner_text()
    assert "snapshot" in finding(page, "boot")
    assert page.locator("#code path").get_attribute("d")
    page.click("#copy")
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.locator("#text").text_content()
    assert finding(page, "task") in copied
    assert running_at_last(page, 0) == {}
    assert (said, outside) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_it_is_a_barrier_or_overflows(serve: Serve, page: Page, scheme: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    page.route("**/edge.js", lambda route: route.abort())

    page.goto(f"{serve(DEMO_DIST)}/device-check.html")
    finished(page)
    page.locator("summary").click()

    assert barriers(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360


def test_without_the_script_it_ends_with_the_reason(serve: Serve, page: Page) -> None:
    page.route("**/edge.js", lambda route: route.abort())

    page.goto(f"{serve(DEMO_DIST)}/device-check.html")
    finished(page)

    assert "does not start here. edge.js did not come" in page.locator("#verdict").inner_text()
    assert finding(page, "m-wasm") == "not tried without: first start"
    assert "does not start here" in (page.locator("#text").text_content() or "")


def test_where_wasm_is_forbidden_it_ends_with_the_boots_own_error(serve: Serve, page: Page) -> None:
    page.goto(f"{serve(DEMO_DIST, csp='none-wasm')}/device-check.html")
    finished(page)

    assert marks(page)["boot"] == "no"
    assert "feature-missing" in page.locator("#verdict").inner_text()


def test_a_worker_that_never_comes_does_not_hold_it(serve: Serve, page: Page) -> None:
    page.clock.install()
    page.route("**/runtime-worker.*.js", lambda route: None)

    page.goto(f"{serve(DEMO_DIST)}/device-check.html")
    page.locator("tr[data-code=boot][data-mark=wait]").wait_for()
    page.locator("#status", has_text="First start").wait_for()
    page.clock.fast_forward(DEADLINE_MS)
    finished(page)

    assert marks(page)["boot"] == "no"
    assert "does not start here" in page.locator("#verdict").inner_text()
