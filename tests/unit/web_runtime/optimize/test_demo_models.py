"""The demo's models, optimized on their golden cases."""

import json
from pathlib import Path
from typing import Any

from edge_runtime.pure.golden import parse_golden
from edge_runtime.types import TensorSpec

from tests.unit.web_runtime.test_cli import run

ROOT = Path(__file__).parents[4]
MODELS = ROOT / "demo_h5" / "models"


def report_of(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.report.json").read_text(encoding="utf-8"))


def test_the_demos_ranker_gets_a_half_precision_variant_and_no_byte_one(tmp_path: Path) -> None:
    samples = MODELS / "ranker.golden.json"
    code, out, err = run(
        *("optimize", MODELS / "ranker.onnx", "-o", tmp_path, "--samples", samples),
        *("--dimension", "n=60", "--runs", 1),
    )
    report = report_of(tmp_path, "ranker")
    rows = {row["method"]: row for row in report["variants"]}
    golden = json.loads((tmp_path / "ranker.golden.json").read_text())

    assert (code, err) == (0, "")
    assert rows["fp16"]["isKept"]
    assert rows["fp16"]["bytes"] < 0.6 * rows["as given"]["bytes"]
    assert "expected an error of at most 0.15" in rows["int8 static"]["reason"]
    assert "expected an error of at most 0.15" in rows["int8 dynamic"]["reason"]
    assert golden["tolerance"]["fp32"]["max_error"] == 1e-5
    assert "webgpu: item_match, category_match: And" in out


def test_the_demos_classifier_is_small_already(tmp_path: Path) -> None:
    path = MODELS / "built" / "classifier.onnx"
    samples = MODELS / "classifier.golden.json"
    code, _, _ = run("optimize", path, "-o", tmp_path, "--samples", samples, "--runs", 1)
    report = report_of(tmp_path, "classifier")
    inputs = [TensorSpec("image", "uint8", (1, 224, 224, 3))]
    outputs = [
        TensorSpec("probs", "float32", (1, 1000)),
        TensorSpec("embedding", "float32", (1, 1280)),
    ]
    golden = json.loads((tmp_path / "classifier.golden.json").read_text())
    (first, *_) = parse_golden(golden, inputs, outputs).cases

    assert code == 0
    assert report["findings"] == []
    assert golden["cases"][0]["inputs"] == {"image": {"gradient": [1, 1, 85]}}
    assert set(first.outputs) == {"probs", "embedding"}
    assert [row["isKept"] for row in report["variants"]] == [True, False, False, False]
