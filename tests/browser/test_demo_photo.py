"""The photo page when things go wrong: slow pictures, models that do not come, long labels."""

from playwright.sync_api import Page, Route, expect

from ..unit.demo_shop.label import label_png
from .conftest import DEMO_DIST, Serve

TIMEOUT_MS = 120_000
OWN = {"name": "own.png", "mimeType": "image/png"}
# Pictures of one's own are decoded when the test says so; sample photos are JPEGs.
HOLD_PNGS = """() => {
  const decode = self.createImageBitmap;
  const held = new Promise((resolve) => { self.release = resolve; });
  self.createImageBitmap = async (blob) => {
    if (blob.type === "image/png") await held;
    const bitmap = await decode(blob);
    if (blob.type === "image/png") setTimeout(() => { document.title = "late"; });
    return bitmap;
  };
}"""
PIXELS = "() => document.getElementById('photo-preview').toDataURL()"


def open_photos(page: Page, url: str) -> None:
    page.goto(f"{url}/?page=Photo")
    page.get_by_test_id("photo-tile").first.wait_for()


def test_the_picture_shown_is_the_one_chosen_last(serve: Serve, page: Page) -> None:
    open_photos(page, serve(DEMO_DIST))
    page.evaluate(HOLD_PNGS)
    picture = label_png([("100", 60)], size_px=(300, 300))
    page.get_by_test_id("photo-file").set_input_files({**OWN, "buffer": picture})
    page.locator('[data-photo="cat.jpg"]').first.click()
    done = page.locator('#photo-result[data-state="done"][data-photo="cat.jpg"]')
    done.wait_for(timeout=TIMEOUT_MS)
    expect(page.locator("#photo-preview")).to_be_visible()
    before = page.evaluate(PIXELS)

    page.evaluate("() => release()")
    expect(page).to_have_title("late")

    assert page.evaluate(PIXELS) == before


def test_a_model_that_does_not_come_is_not_blamed_on_the_photo(serve: Serve, page: Page) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    page.context.route("**/models/*.onnx", refuse)
    open_photos(page, serve(DEMO_DIST))
    page.get_by_test_id("photo-tile").first.click()
    page.locator('#photo-result[data-state="failed"]').wait_for(timeout=TIMEOUT_MS)

    expect(page.get_by_test_id("photo-result")).to_contain_text("智能功能暂时不可用")
    expect(page.get_by_test_id("photo-result")).not_to_contain_text("JPEG")


def test_where_the_keyboard_is_shows_on_a_chosen_label_too(serve: Serve, page: Page) -> None:
    page.goto(f"{serve(DEMO_DIST)}/?page=Label")
    chosen = page.locator('[data-testid="label-tile"][aria-pressed="true"]')
    outline = "(tile) => getComputedStyle(tile).outlineColor"
    before = chosen.evaluate(outline)

    page.get_by_test_id("panel-toggle").focus()
    page.keyboard.press("Tab")

    expect(chosen).to_be_focused()
    assert chosen.evaluate(outline) != before


def test_a_label_is_no_book(serve: Serve, page: Page) -> None:
    page.goto(f"{serve(DEMO_DIST)}/?page=Label")
    editor = page.get_by_test_id("label-editor")

    editor.fill("x\n" * 5_000)

    assert len(editor.input_value()) == 400
