"""Answers beside golden ones: wrong ones are caught, noise is accepted at its precision."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from edge_runtime.pure.agreement import Difference, Tolerance, compare, judge
from edge_runtime.pure.golden import TOLERANCES, golden_from
from edge_runtime.tensor import Tensor

COUNT = 600
LOGITS = np.random.default_rng(7).normal(0, 3, COUNT).astype(np.float32)
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum()
EXPECTED = {"float32": LOGITS, "float64": PROBS.astype(np.float64), "float16": LOGITS.astype("e")}


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
        (np.array([1], np.uint8), np.array([3], np.uint8)),
        (np.array([True, False]), np.array([True, True])),
    ],
)
def test_integers_and_bools_must_be_equal_at_every_precision(expected: Any, given: Any) -> None:
    assert all(verdict(expected, given, precision) for precision in TOLERANCES)
    assert verdict(expected, expected) is None


def test_pixels_may_be_rounded_the_other_way() -> None:
    expected = np.array([0, 128, 255], np.uint8)

    assert verdict(expected, np.array([1, 127, 255], np.uint8)) is None
    assert verdict(expected, np.array([0, 130, 255], np.uint8))
    assert verdict(np.array([-128], np.int8), np.array([-127], np.int8)) is None


def test_a_file_may_allow_a_share_of_other_integers() -> None:
    found = difference(np.arange(10), np.arange(10) // 9 * 9)
    quarter = Tolerance(0, 1, mismatches=0.25)

    assert found.mismatches == 0.8
    expected = "output y: expected at most 0.25 of the values to be others, got 0.8"
    assert judge(found, quarter) == expected
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


def test_halves_compare_by_value_and_not_by_bits() -> None:
    zeros = [Tensor("float16", (2,), struct.pack("<2e", 1.0, zero)) for zero in (0.0, -0.0)]

    assert judge(compare({"y": zeros[0]}, {"y": zeros[1]}), TOLERANCES["fp32"]) is None


@pytest.mark.parametrize("place", [0, 50_000, 99_999])
def test_of_a_large_output_blocks_from_its_first_value_to_its_last_are_looked_at(
    place: int,
) -> None:
    right = np.ones(100_000, np.float32)
    wrong = right.copy()
    wrong[max(0, place - 2_000) : place + 2_000] = 2

    def told(given: np.ndarray, most: int | None) -> str | None:
        found = compare({"a": tensor(right)}, {"a": tensor(given)}, most)
        return judge(found, TOLERANCES["fp32"])

    assert told(right, 6_400) is None
    assert "expected an error" in str(told(wrong, 6_400))


def test_of_a_large_output_no_more_than_asked_for_is_looked_at() -> None:
    right = np.zeros(100_000, np.int64)
    wrong = right.copy()
    wrong[1_000] = 1

    assert compare({"a": tensor(right)}, {"a": tensor(wrong)}).mismatches == 1e-5
    assert compare({"a": tensor(right)}, {"a": tensor(wrong)}, 6_400).mismatches == 0
    assert compare({"a": tensor(right)}, {"a": tensor(right + 1)}, 6_400).mismatches == 1
