"""What cannot be optimized ends with one line for a person and code 1."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.unit.web_runtime.test_cli import run

from .made_models import FLOAT, INT64, mlp, one_node, saved


def test_an_error_in_the_model_ends_with_code_1_after_the_report(tmp_path: Path) -> None:
    path = saved(mlp(), tmp_path / "new.onnx")
    proto = onnx.load(str(path))
    proto.ir_version = 14
    onnx.save(proto, str(path))
    code, out, _ = run("optimize", path, "--runs", 1, "--json")
    (finding,) = json.loads(out)["findings"]

    assert code == 1
    assert finding["severity"] == "error"
    assert finding["what"].startswith("IR version 14")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.onnx"], "No such file"),
        (["mlp.onnx", "--precision", "fp16,int4"], "--precision: expected some of fp16, int8"),
        (["mlp.onnx", "--dimension", "n"], "--dimension: expected NAME=SIZE"),
        (["mlp.onnx", "--dimension", "n=0"], "--dimension: expected NAME=SIZE"),
        (["mlp.onnx", "--dimension", "n=3"], "--dimension: expected one of no name"),
        (["mlp.onnx", "--samples", "none.npz"], "No such file"),
        (["mlp.onnx", "-o", "mlp.onnx"], "expected a folder to write to"),
    ],
)
def test_mistakes_are_one_line_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    saved(mlp(), tmp_path / "mlp.onnx")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("optimize", *arguments)

    assert (code, out) == (1, "")
    assert err.startswith("web-runtime: ")
    assert told in err
    assert err.count("\n") == 1


def test_a_model_that_answers_nan_on_the_samples_is_told(tmp_path: Path) -> None:
    path = saved(one_node("Log", [("x", FLOAT, [8])], ("y", FLOAT, [8])), tmp_path / "log.onnx")
    code, _, err = run("optimize", path)

    assert code == 1
    assert "output y, sample 0" in err
    assert "--samples" in err


def test_samples_too_large_for_a_golden_file_are_checked_and_random_ones_written(
    tmp_path: Path,
) -> None:
    proto = one_node("Sqrt", [("x", FLOAT, [30_000])], ("y", FLOAT, [30_000]))
    path = saved(proto, tmp_path / "root.onnx")
    np.savez(tmp_path / "bad.npz", x=np.full(30_000, -1, "f"))
    code, _, err = run("optimize", path, "--samples", tmp_path / "bad.npz")

    assert code == 1
    assert "output y, sample 0 of 1 given in bad.npz: expected finite" in err


def test_answers_above_what_the_runtime_reads_leave_no_golden_file(tmp_path: Path) -> None:
    proto = one_node("Relu", [("x", FLOAT, [1_000_000])], ("y", FLOAT, [1_000_000]))
    code, out, _ = run("optimize", saved(proto, tmp_path / "huge.onnx"), "--runs", 1)

    folder = tmp_path / "huge-variants"
    assert code == 0
    assert "golden:  none" in out
    assert not (folder / "huge.golden.json").exists()
    models = json.loads((folder / "huge.report.json").read_text())["models"]
    assert models["huge"].keys() == {"variants"}


def test_a_model_that_does_not_run_on_random_feeds_asks_for_samples(tmp_path: Path) -> None:
    proto = one_node("Reshape", [("x", FLOAT, [6]), ("s", INT64, [2])], ("y", FLOAT, [None, None]))
    code, _, err = run("optimize", saved(proto, tmp_path / "shape.onnx"))

    assert code == 1
    assert "Give feeds it is made for with --samples" in err


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in sys.modules if name.startswith("web_runtime.optimize")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    yield


@pytest.mark.usefixtures("without_onnx")
def test_missing_packages_are_named_with_what_to_install(tmp_path: Path) -> None:
    code, _, err = run("optimize", tmp_path / "any.onnx")

    assert code == 1
    assert "got no onnx. Run `pip install 'edge-web-runtime[optimize]'`" in err
