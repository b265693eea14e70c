"""Golden files: every form of a tensor, tolerances, and refusals that name the place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.agreement import Tolerance
from edge_runtime.pure.generated_feeds import gradient, seeded
from edge_runtime.pure.golden import TOLERANCES, Golden, parse_golden
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec

MODELS_DIR = Path(__file__).parents[4] / "demo_h5" / "models"
IMAGE = TensorSpec("image", "float32", (1, 3, None))
ANSWER = TensorSpec("answer", "float32", (1, 2))


def file_of(image: Any, answer: Any = (1, 2), **more: Any) -> dict[str, Any]:
    return {"cases": [{"inputs": {"image": image}, "outputs": {"answer": answer}}]} | more


def read(image: Any, answer: Any = (1, 2), **more: Any) -> Golden:
    return parse_golden(file_of(image, answer, **more), [IMAGE], [ANSWER])


def test_flat_lists_take_the_declared_shape_and_its_one_unknown_size() -> None:
    (case,) = read([1, 2, 3, 4, 5, 6]).cases

    assert case.feeds == {"image": Tensor.float32([1, 2, 3, 4, 5, 6], (1, 3, 2))}
    assert case.outputs == {"answer": Tensor.float32([1, 2], (1, 2))}


def test_a_tensor_may_name_its_shape_and_dtype() -> None:
    (case,) = read({"values": [1, 2, 3], "shape": [3, 1], "dtype": "int32"}).cases

    assert case.feeds == {"image": Tensor.of("int32", [1, 2, 3], (3, 1))}


def test_seeded_values_come_from_the_file() -> None:
    (case,) = read({"random": [3, -1, 1], "shape": [1, 3, 2]}).cases

    assert case.feeds == {"image": seeded("float32", (1, 3, 2), 3, -1, 1)}


@pytest.mark.parametrize(
    ("dtype", "low", "high", "digits"),
    [
        ("float32", -1, 1, "[0.84314, 0.37255, -0.27843, 0.60784, -0.12941, -0.56863]"),
        ("int64", 5, 30_000, "[3080, 5676, 3849, 12676, 1301, 456]"),
        ("uint8", 0, 255, "[235, 111, 52, 191, 108, 147]"),
        ("bool", 0, 1, "[1, 1, 0, 1, 1, 1]"),
    ],
)
def test_seeded_values_are_the_same_on_every_host(
    dtype: str, low: float, high: float, digits: str
) -> None:
    values = seeded(dtype, (2, 3), 1, low, high).tolist()

    assert str([round(value, 5) for value in values]) == digits


def test_seeded_values_reach_both_ends_and_stay_within() -> None:
    values = seeded("float32", (4000,), 1, -2, 3).tolist()
    numbers = seeded("int32", (4000,), 1, -2, 3).tolist()

    assert (min(values), max(values)) == (-2, 3)
    assert set(numbers) == {-2, -1, 0, 1, 2, 3}


def test_a_gradient_is_the_picture_its_three_numbers_describe() -> None:
    rows, columns, channels = np.ix_(range(300), range(20), range(3))
    expected = (3 * rows + 5 * columns + 85 * channels) & 255

    assert np.array_equal(gradient([3, 5, 85], (1, 300, 20, 3)).numpy()[0], expected)


def test_a_number_is_the_tolerance_of_fp32_and_fields_change_one_precision() -> None:
    own = {"int8": {"max_error": 0.3, "mismatches": 0.1}}

    assert read([1, 2, 3]).tolerances == TOLERANCES
    assert read([1, 2, 3], tolerance=1e-5).tolerances == dict(TOLERANCES) | {
        "fp32": Tolerance(1e-5, TOLERANCES["fp32"].cosine)
    }
    assert read([1, 2, 3], tolerance=own).tolerances == dict(TOLERANCES) | {
        "int8": Tolerance(0.3, TOLERANCES["int8"].cosine, 0.1)
    }


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        (None, "cases"),
        ({"cases": []}, "cases"),
        ({"cases": [7]}, "case 0: expected an object in `inputs`"),
        ({"cases": [{"inputs": {}}]}, "case 0: expected an object in `outputs`"),
        ({"cases": [{"inputs": {"picture": []}, "outputs": {}}]}, "expected one of image, got"),
        (file_of([1, 2, 3, 4]), "case 0, inputs, image"),
        (file_of(["a"]), "case 0, inputs, image"),
        (file_of(None), "case 0, inputs, image"),
        (file_of({"gradient": [1, 2]}), "case 0, inputs, image"),
        (file_of({"random": [1]}), "case 0, inputs, image"),
        (file_of([1, 2, 3], [1]), "case 0, outputs, answer"),
        (file_of([1, 2, 3], {"values": [1], "dtype": "float7"}), "case 0, outputs, answer"),
        (file_of([1, 2, 3], tolerance={"fp32": {"max": 1}}), "max_error, cosine, mismatches"),
        (file_of([1, 2, 3], tolerance={"fp32": 1}), "max_error, cosine, mismatches"),
        ({"cases": [{"inputs": {}, "outputs": {}}]}, "case 0: expected one tensor or more"),
        (file_of([1, 2, 3], tolerance=float("nan")), "max_error, cosine, mismatches"),
        (file_of([1, 2, 3], tolerance={"int8": {"cosine": None}}), "max_error, cosine, mismatches"),
        (file_of([1, 2, 3], tolerance="much"), "max_error, cosine, mismatches"),
    ],
)
def test_what_is_no_golden_file_is_refused_naming_the_place(plain: Any, told: str) -> None:
    with pytest.raises(ConfigError, match="golden file: ") as caught:
        parse_golden(plain, [IMAGE], [ANSWER])

    assert caught.value.code == "config-invalid"
    assert told in caught.value.message


def test_two_unknown_sizes_need_a_shape() -> None:
    spec = TensorSpec("image", "float32", (None, None))

    with pytest.raises(ConfigError, match="name the `shape`"):
        parse_golden(file_of([1, 2, 3, 4]), [spec], [ANSWER])


def test_the_demos_files_are_read() -> None:
    ranker = json.loads((MODELS_DIR / "ranker.golden.json").read_text(encoding="utf-8"))
    history, cand = TensorSpec("hist", "int64", (20,)), TensorSpec("cand", "int64", (None,))
    scored = parse_golden(ranker, [history, cand], [TensorSpec("score", "float32", (None,))])
    classifier = json.loads((MODELS_DIR / "classifier.golden.json").read_text(encoding="utf-8"))
    image = TensorSpec("image", "uint8", (1, 224, 224, 3))
    seen = parse_golden(classifier, [image], [TensorSpec("probs", "float32", (1, 1000))])

    assert len(scored.cases) == 24
    assert scored.cases[3].feeds["cand"].shape == scored.cases[3].outputs["score"].shape == (60,)
    assert [case.feeds["image"].shape for case in seen.cases] == [(1, 224, 224, 3)] * 3
    assert [case.outputs["probs"].shape for case in seen.cases] == [(1, 1000)] * 3
    assert seen.tolerances["fp32"].max_error == 0.001
