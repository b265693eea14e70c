"""The demo's build: what it refuses, and that its parts fit each other."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config

from demo_h5.assets import DemoError, svg_of
from demo_h5.build import BACKENDS, DEMO, check_config, with_art
from demo_h5.model_files import MODELS, SOURCES, copy_models, verify_digest

ART: dict[str, Any] = json.loads((DEMO / "art.json").read_text())
CATALOGUE: list[dict[str, Any]] = json.loads((MODELS / "catalogue.json").read_text())
CONFIG: dict[str, Any] = json.loads((DEMO / "config.json").read_text())


def test_every_product_has_a_picture_and_a_colour() -> None:
    rows = with_art(CATALOGUE, ART)

    assert all(row["art"] and row["tint"] for row in rows)
    assert [row["item"] for row in rows] == [row["item"] for row in CATALOGUE]


def test_a_product_without_a_picture_is_named() -> None:
    with pytest.raises(DemoError, match="got none for Durian"):
        with_art([{"name": "Durian", "category": "Fruit"}], ART)


def test_every_colour_is_in_the_style_sheet() -> None:
    css = (DEMO / "pages" / "shop.css").read_text()

    assert [tint for tint in ART["tints"].values() if f".tint-{tint} {{" not in css] == []


def test_another_model_than_the_configured_one_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "ranker.onnx"
    model.write_bytes(b"other")

    with pytest.raises(
        DemoError, match=r"expected sha256 00ff .* got d9298a10d1b0735837dc4bd85dac"
    ):
        verify_digest("ranker", model, "00ff")


def test_a_model_from_nowhere_is_refused(tmp_path: Path) -> None:
    config = {"models": {"extra": {"variants": [{"url": "models/extra.onnx", "sha256": "00"}]}}}

    with pytest.raises(DemoError, match=r"model extra: expected one of models/ranker\.onnx"):
        copy_models(config, tmp_path)


def test_the_configuration_names_the_committed_ranker() -> None:
    (variant,) = CONFIG["models"]["ranker"]["variants"]

    verify_digest("ranker", SOURCES[variant["url"]], variant["sha256"])


def test_an_icon_is_a_file_of_its_own() -> None:
    icons = {"width": 32, "height": 24, "icons": {"dot": {"body": "<circle/>"}}}

    assert svg_of(icons, "dot") == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 24"><circle/></svg>\n'
    )


def test_the_device_check_has_the_classifier_on_each_backend_alone() -> None:
    config = check_config(CONFIG)

    task = tomllib.loads((DEMO / "tasks" / "check" / "task.toml").read_text())
    assert list(config["models"]) == task["models"]
    for backend, model in zip(BACKENDS, config["models"].values(), strict=True):
        assert [each["backend"] for each in model["variants"]] == [backend]
    assert config["data"] == CONFIG["data"]
    parse_config(config)
