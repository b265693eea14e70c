"""ReadLabel with its real models on drawn labels, run by the real core under CPython."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.errors import ConfigError

from demo_h5.build import DEMO, pack_tasks
from demo_h5.model_files import copy_models, make_missing

from .label import MARGIN_PX, label_png
from .test_tasks import CATALOGUE, Shop

BANNED = [("有机绿茶", 60), ("国家级品质", 40), ("净含量：250克", 30), ("每天一杯降血压", 28)]
COMPLIANT = [("荔枝蜂蜜", 64), ("最佳食用期：三个月", 36), ("保质期18个月", 24)]
SIDE_PX = 640


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    make_missing()
    copy_models(json.loads((DEMO / "config.json").read_text()), folder)
    pack_tasks(folder, CATALOGUE)
    return folder


def read(site: Path, picture: object) -> list[dict[str, Any]]:
    async def visit() -> list[dict[str, Any]]:
        shop = Shop(site)
        assert await shop.runtime.start() == []
        try:
            lines: list[dict[str, Any]] = (await shop.infer("ocr", picture=picture))["lines"]
            return lines
        finally:
            await shop.runtime.stop()

    return asyncio.run(visit())


def test_every_line_is_read_and_banned_words_are_marked_where_they_stand(site: Path) -> None:
    lines = read(site, label_png(BANNED))

    assert [line["text"] for line in lines] == [text for text, _ in BANNED]
    assert [[each["word"] for each in line["findings"]] for line in lines] == [
        [], ["国家级"], [], ["降血压"],
    ]  # fmt: skip
    assert all(line["confidence"] > 0.95 for line in lines)
    # Four characters of 28 pixels come before the word, three are it.
    left, top, right, bottom = (side * SIDE_PX for side in lines[3]["findings"][0]["box"])
    assert left == pytest.approx(MARGIN_PX + 4 * 28, abs=10)
    assert right == pytest.approx(MARGIN_PX + 7 * 28, abs=10)
    assert [top / SIDE_PX, bottom / SIDE_PX] == [lines[3]["box"][1], lines[3]["box"][3]]


def test_a_compliant_label_has_no_findings(site: Path) -> None:
    lines = read(site, label_png(COMPLIANT))

    assert [line["text"] for line in lines] == [text for text, _ in COMPLIANT]
    assert not any(line["findings"] for line in lines)


@pytest.mark.parametrize("size_px", [(1400, 700), (420, 840)])
def test_boxes_are_shares_of_any_picture(site: Path, size_px: tuple[int, int]) -> None:
    lines = read(site, label_png(COMPLIANT[1:], size_px=size_px))

    assert [line["text"] for line in lines] == [text for text, _ in COMPLIANT[1:]]
    left, top, right, bottom = lines[0]["box"]
    height_px = COMPLIANT[1][1]
    assert left * size_px[0] == pytest.approx(MARGIN_PX, abs=12)
    assert right * size_px[0] == pytest.approx(MARGIN_PX + 9 * height_px, abs=16)
    assert top * size_px[1] <= MARGIN_PX + 0.4 * height_px
    assert bottom * size_px[1] >= MARGIN_PX + height_px


def test_a_picture_without_text_has_no_lines(site: Path) -> None:
    assert read(site, label_png([])) == []


def test_what_is_no_picture_is_refused(site: Path) -> None:
    with pytest.raises(ConfigError, match=r"extData\.picture: expected a picture's bytes, got str"):
        read(site, "label.png")
