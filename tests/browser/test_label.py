"""Labels read in a real browser as by onnxruntime in CPython, and the page around it."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import InferRequest, Runtime
from playwright.sync_api import Locator, Page, expect

from ..unit.demo_shop.label import label_png
from .conftest import DEMO_DIST, Serve
from .edge_page import EdgePage
from .site import SYSTEM, Task, write_site

BANNED = {
    "tea": ["国家级", "销量第一", "降血压", "无副作用"],
    "honey": [],
    "nuts": ["极品", "最好", "延年益寿"],
}
WAIT_MS = 120_000

READ_CANVAS = """async () => {
  const canvas = document.getElementById("label-canvas");
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const answer = await EdgeAI.infer({
    systemCode: "demo-shop", businessCode: "ocr", extData: { picture: blob },
  });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const picture = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return { picture, lines: answer.value.lines, backend: answer.backend };
}"""

RAW = """
import base64
from edge_runtime.task import Tensor

async def run(ctx, activation):
    picture = base64.b64decode(activation.ext_data["picture"])
    width, height = activation.ext_data["size"]
    image = await ctx.decode_image(picture, width_px=width, height_px=height)
    batch = Tensor("uint8", (1, height, width, 3), image.data)
    outputs = await ctx.infer(activation.ext_data["model"], {"image": batch})
    return {name: [list(each.shape), each.tolist()] for name, each in outputs.items()}
"""
MODELS = ["text-detector", "text-recogniser"]
RAW_TASK = Task("Raw", "raw", RAW, {"models": MODELS, "timeout_ms": 60_000})


def in_cpython(site: Path, system: str, code: str, ext_data: dict[str, Any]) -> Any:
    """Run one task of a site by the same core under CPython and return its value."""

    async def run() -> Any:
        config = parse_config(json.loads((site / "config.json").read_text()))
        host = create_native_host(root=site, on_notice=lambda name, body: None)
        runtime = Runtime(host, config, site.as_uri() + "/config.json")
        assert await runtime.start() == []
        try:
            return (await runtime.infer(InferRequest(1, system, code, ext_data=ext_data))).value
        finally:
            await runtime.stop()

    # Playwright's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def samples() -> dict[str, str]:
    """Return each sample's text by its id, as the page has it."""
    source = (DEMO_DIST / "label-samples.js").read_text()
    parts = source.split('id: "')[1:]
    return {part.split('"')[0]: part.split("text: `")[1].split("`")[0] for part in parts}


def open_labels(page: Page, url: str) -> Locator:
    page.goto(f"{url}/?page=Label")
    return page.get_by_test_id("label-result")


def until_read(result: Locator, sample: str) -> None:
    expect(result).to_have_attribute("data-sample", sample, timeout=WAIT_MS)
    expect(result).to_have_attribute("data-state", "done", timeout=WAIT_MS)


def shown(page: Page, attribute: str) -> list[str]:
    rows = page.get_by_test_id("label-line").all()
    return [row.get_attribute(attribute) or "" for row in rows]


def without_spaces(text: str) -> str:
    return "".join(text.split())


def test_samples_are_read_as_they_are_written_and_as_in_cpython(
    serve: Serve, page: Page, demo_in_source: Path
) -> None:
    result = open_labels(page, serve(DEMO_DIST))
    texts = samples()

    assert texts.keys() == BANNED.keys()
    for sample, banned in BANNED.items():
        page.locator(f'[data-testid="label-tile"][data-sample="{sample}"]').click()
        until_read(result, sample)

        assert shown(page, "data-text") == [
            without_spaces(line) for line in texts[sample].splitlines()
        ]
        assert " ".join(filter(None, shown(page, "data-banned"))).split() == banned
        assert_equal_in_cpython(demo_in_source, page.evaluate(READ_CANVAS))


def assert_equal_in_cpython(site: Path, read: dict[str, Any]) -> None:
    picture = base64.b64decode(read["picture"])
    expected = in_cpython(site, "demo-shop", "ocr", {"picture": picture})["lines"]
    assert {model: where["name"] for model, where in read["backend"].items()} == dict.fromkeys(
        MODELS, "wasm"
    )
    assert [line["text"] for line in read["lines"]] == [line["text"] for line in expected]
    for line, other in zip(read["lines"], expected, strict=True):
        assert line["box"] == pytest.approx(other["box"], abs=3 / 640)
        assert line["confidence"] == pytest.approx(other["confidence"], abs=0.05)
        assert [f["word"] for f in line["findings"]] == [f["word"] for f in other["findings"]]


def test_both_models_equal_onnxruntime_on_the_same_pixels(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    files = {name: (DEMO_DIST / "models" / f"{name}.onnx").read_bytes() for name in MODELS}
    site = write_site(tmp_path / "site", tasks=[RAW_TASK], models=files)
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    # At their own size PNGs are decoded to the same bytes everywhere.
    for model, lines, size in (
        ("text-detector", [("国家级品质", 40), ("净含量：250克", 30)], (320, 256)),
        ("text-recogniser", [("净含量", 28)], (200, 48)),
    ):
        picture = label_png(lines, size_px=size, margin_px=6)
        ext = {"picture": base64.b64encode(picture).decode(), "size": size, "model": model}
        given, expected = edge.value("raw", ext), in_cpython(site, SYSTEM, "raw", ext)
        assert given.keys() == expected.keys()
        for name, (shape, values) in expected.items():
            assert given[name][0] == shape
            # A byte of the map may be rounded to its neighbour.
            off_by = 0 if name == "character" else 1 if name == "text" else 1e-4
            assert max(abs(a - b) for a, b in zip(given[name][1], values, strict=True)) <= off_by
        assert max(expected["text" if "text" in expected else "character"][1]) > 0


def test_text_is_read_again_when_it_changes(serve: Serve, page: Page) -> None:
    result = open_labels(page, serve(DEMO_DIST))
    until_read(result, "tea")

    page.get_by_test_id("label-editor").fill("明前龙井茶\n净含量：250克")
    expect(page.get_by_test_id("label-line")).to_have_count(2, timeout=WAIT_MS)
    expect(page.get_by_test_id("label-verdict")).to_have_attribute("data-verdict", "clean")
    assert shown(page, "data-text") == ["明前龙井茶", "净含量：250克"]

    page.get_by_test_id("label-phrase").first.click()
    expect(page.get_by_test_id("label-line")).to_have_count(3, timeout=WAIT_MS)
    expect(page.get_by_test_id("label-verdict")).to_have_attribute("data-verdict", "banned")
    assert shown(page, "data-banned") == ["", "国家级", ""]

    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("label-verdict")).to_contain_text("Banned words: 1")
    expect(page.locator(".label-lines .reason")).to_contain_text("Advertising Law, article 9")


def test_a_picture_of_ones_own_is_read_and_what_is_none_is_told(serve: Serve, page: Page) -> None:
    result = open_labels(page, serve(DEMO_DIST))
    until_read(result, "tea")

    picture = label_png([("独一无二的坚果", 60), ("净含量：180克", 40)], size_px=(900, 500))
    page.get_by_test_id("label-file").set_input_files(
        {"name": "own.png", "mimeType": "image/png", "buffer": picture}
    )
    until_read(result, "")
    assert shown(page, "data-text") == ["独一无二的坚果", "净含量：180克"]
    assert shown(page, "data-banned") == ["独一无二", ""]
    expect(page.get_by_test_id("label-editor")).to_be_hidden()

    page.get_by_test_id("label-file").set_input_files(
        {"name": "own.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    )
    expect(result).to_have_attribute("data-state", "failed", timeout=WAIT_MS)
    assert shown(page, "data-text") == []
