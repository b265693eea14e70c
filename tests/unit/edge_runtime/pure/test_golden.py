"""Golden cases: files that are read, wrong answers that are caught, noise that is accepted."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.generated_feeds import gradient, seeded
from edge_runtime.pure.golden import (
    TOLERANCES,
    Difference,
    Golden,
    Tolerance,
    compare,
    golden_from,
    judge,
    parse_golden,
)
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec

MODELS_DIR = Path(__file__).parents[4] / "demo_h5" / "models"
COUNT = 600
LOGITS = np.random.default_rng(7).normal(0, 3, COUNT).astype(np.float32)
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum()
EXPECTED = {"float32": LOGITS, "float64": PROBS.astype(np.float64), "float16": LOGITS.astype("e")}
IMAGE = TensorSpec("image", "float32", (1, 3, None))
ANSWER = TensorSpec("answer", "float32", (1, 2))


def tensor(values: Any) -> Tensor:
    return Tensor.from_numpy(np.asarray(values))


def difference(expected: Any, given: Any) -> Difference:
    return compare({"y": tensor(expected)}, {"y": tensor(given)})


def verdict(expected: Any, given: Any, precision: str = "fp32") -> str | None:
    return judge(difference(expected, given), TOLERANCES[precision])


def one_wrong(values: Any) -> Any:
    changed = values.copy()
    changed[np.abs(values).argmax()] *= -1
    return changed


def with_value(value: float) -> Callable[[Any], Any]:
    def change(values: Any) -> Any:
        changed = values.copy()
        changed[3] = value
        return changed

    return change


WRONG: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda values: values * values.dtype.type(1.25),
    "shifted": lambda values: values + values.dtype.type(np.abs(values).max() * 0.25),
    "negated": lambda values: -values,
    "permuted": lambda values: values[::-1].copy(),
    "rolled by one": lambda values: np.roll(values, 1),
    "one element": one_wrong,
    "NaN": with_value(float("nan")),
    "infinity": with_value(float("inf")),
    "minus infinity": with_value(float("-inf")),
    "zeros": np.zeros_like,
    "constant": lambda values: np.full_like(values, values.mean()),
    "shorter": lambda values: values[:-1],
    "another shape": lambda values: values[None],
    "another dtype": lambda values: values.astype(np.int32),
    "wider": lambda values: values.astype(np.float32 if values.itemsize == 8 else np.float64),
}


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("dtype", EXPECTED)
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_answer_is_refused_at_every_precision(
    fault: str, dtype: str, precision: str
) -> None:
    expected = EXPECTED[dtype]

    assert verdict(expected, WRONG[fault](expected), precision)
    assert verdict(expected, expected, precision) is None


def test_the_cosine_alone_catches_what_no_single_value_shows() -> None:
    expected = np.full(COUNT, 0.01, np.float32)
    expected[0] = 1
    given = expected.copy()
    given[1::2] += 0.015

    assert difference(expected, given).max_error < TOLERANCES["fp16"].max_error
    assert "cosine" in str(verdict(expected, given, "fp16"))


def test_the_greatest_error_alone_catches_one_value_among_many() -> None:
    given = np.ones(100_000, np.float32)
    given[5] = 1.5

    assert difference(np.ones_like(given), given).cosine > TOLERANCES["fp32"].cosine
    assert "error" in str(verdict(np.ones_like(given), given))


def test_each_output_is_judged_and_the_worst_figures_are_told() -> None:
    answer = {"a": tensor(LOGITS), "b": tensor(PROBS), "c": tensor([1, 2])}
    given = answer | {"b": tensor(PROBS * np.float32(1.1))}
    found = compare(answer, given)

    assert judge(found, TOLERANCES["fp32"]) == (
        "output b: expected an error of at most 0.0001 of its scale, got 0.1"
    )
    assert found.max_error == pytest.approx(0.1, rel=1e-3)
    assert found.cosine == pytest.approx(1)
    assert found.mismatches == 0


def test_a_missing_output_is_refused_and_one_that_is_not_expected_is_not_looked_at() -> None:
    answer = {"a": tensor(LOGITS)}

    assert judge(compare(answer, {}), TOLERANCES["int8"]) == (
        "output a: expected it, got no such output"
    )
    assert judge(compare(answer, answer | {"b": tensor([1.0])}), TOLERANCES["fp32"]) is None


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (np.array([3, 5, 5], np.int64), np.array([3, 5, 4], np.int64)),
        (np.array([1], np.uint8), np.array([2], np.uint8)),
        (np.array([True, False]), np.array([True, True])),
    ],
)
def test_integers_and_bools_must_be_equal_at_every_precision(expected: Any, given: Any) -> None:
    assert all(verdict(expected, given, precision) for precision in TOLERANCES)
    assert verdict(expected, expected) is None


def test_a_file_may_allow_a_share_of_other_integers() -> None:
    found = difference(np.arange(10), np.arange(10) // 9 * 9)
    quarter = Tolerance(0, 1, mismatches=0.25)

    assert found.mismatches == 0.8
    assert judge(found, quarter) == ("output y: expected at most 25.00% other values, got 80.00%")
    assert judge(difference(np.arange(10), np.arange(10) // 2 * 2), quarter)
    assert judge(difference([1, 2, 3, 4], [1, 2, 3, 5]), quarter) is None


def rounded_to_half(values: Any) -> Any:
    return values.astype(np.float16).astype(values.dtype)


def rounded_to_a_byte(values: Any) -> Any:
    step = np.abs(values).max() / 127
    return (np.round(values / step) * step).astype(values.dtype)


@pytest.mark.parametrize("values", [LOGITS, PROBS], ids=["logits", "probabilities"])
def test_rounding_is_accepted_at_its_precision_and_refused_above(values: Any) -> None:
    half, byte = rounded_to_half(values), rounded_to_a_byte(values)

    assert verdict(values, half, "fp16") is None
    assert verdict(values, half, "int8") is None
    assert verdict(values, half, "fp32")
    assert verdict(values, byte, "int8") is None
    assert verdict(values, byte, "fp32")


def test_another_order_of_summing_is_accepted_at_fp32() -> None:
    noise = np.random.default_rng(1).uniform(-1e-5, 1e-5, COUNT).astype(np.float32)

    assert verdict(LOGITS, LOGITS * (1 + noise)) is None


def test_empty_zero_and_scalar_outputs_compare() -> None:
    nothing, zeros = np.zeros((2, 0), np.float32), np.zeros(4, np.float32)

    assert verdict(nothing, nothing) is None
    assert verdict(zeros, zeros) is None
    assert verdict(zeros, zeros + np.float32(0.1))
    assert verdict(np.float32(2), np.float32(2)) is None
    assert verdict(np.float32(2), np.float32(2.1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_named_on_both_sides(value: float) -> None:
    given = with_value(value)(LOGITS)

    assert "got NaN or infinity" in str(verdict(LOGITS, given))
    assert "got NaN or infinity" in str(verdict(given, given))


@pytest.mark.parametrize("huge", [1e200, 1e-200])
def test_values_whose_squares_leave_the_range_are_no_exception(huge: float) -> None:
    assert verdict(np.array([huge, huge]), np.array([huge, -huge]))


def test_an_answer_of_a_trusted_backend_becomes_a_golden() -> None:
    feeds, outputs = {"x": tensor(LOGITS)}, {"y": tensor(PROBS)}
    golden = golden_from(feeds, outputs)

    assert golden.tolerances == TOLERANCES
    assert [(case.feeds, case.outputs) for case in golden.cases] == [(feeds, outputs)]


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


def test_halves_compare_by_value_and_not_by_bits() -> None:
    zeros = [Tensor("float16", (2,), struct.pack("<2e", 1.0, zero)) for zero in (0.0, -0.0)]

    assert judge(compare({"y": zeros[0]}, {"y": zeros[1]}), TOLERANCES["fp32"]) is None
