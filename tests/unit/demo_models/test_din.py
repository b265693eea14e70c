"""The network's gradients are right, and its edge cases are finite."""

import numpy as np
import pytest

from demo_h5.models.din import Inputs, Parameters, forward, initial_parameters, loss
from demo_h5.models.din_training import Adam, gradients, sum_rows
from demo_h5.models.sessions import HISTORY_LENGTH, Floats, Ints

ITEMS, CATEGORIES, CASES, CANDIDATES = 9, 4, 3, 4
STEP = 1e-6


def tiny_instance() -> tuple[Parameters, Inputs, Ints, Ints, Floats]:
    rng = np.random.default_rng(5)
    category = np.array([0, 1, 1, 2, 2, 3, 3, 1, 2])
    inputs = Inputs(category, rng.normal(size=(ITEMS, 2)))
    parameters = initial_parameters(ITEMS, CATEGORIES, rng, dtype=np.float64)
    for name in ("item", "category"):
        parameters[name] *= 10
    history = rng.integers(1, ITEMS, (CASES, HISTORY_LENGTH))
    history[0, :15] = 0
    history[1] = 0
    candidates = rng.integers(1, ITEMS, (CASES, CANDIDATES))
    labels = rng.integers(0, 2, (CASES, CANDIDATES)).astype(np.float64)
    return parameters, inputs, history, candidates, labels


def analytic(
    parameters: Parameters, inputs: Inputs, history: Ints, candidates: Ints, labels: Floats
) -> Parameters:
    logits, saved = forward(parameters, inputs, history, candidates)
    slope = (1 / (1 + np.exp(-logits)) - labels) / labels.size
    return gradients(parameters, inputs, history, candidates, slope, saved)


@pytest.mark.parametrize("name", sorted(initial_parameters(2, 2, np.random.default_rng(0))))
def test_gradients_equal_finite_differences(name: str) -> None:
    parameters, inputs, history, candidates, labels = tiny_instance()
    expected = analytic(parameters, inputs, history, candidates, labels)[name]
    places = np.random.default_rng(1).permutation(parameters[name].size)[:40]

    for place in places:
        value = parameters[name].reshape(-1)
        if name in {"item", "category"} and place < parameters[name].shape[1]:
            continue  # row 0 is the empty place and is not trained
        centre = value[place]
        value[place] = centre + STEP
        above = loss(forward(parameters, inputs, history, candidates)[0], labels)
        value[place] = centre - STEP
        below = loss(forward(parameters, inputs, history, candidates)[0], labels)
        value[place] = centre
        measured = (above - below) / (2 * STEP)
        assert expected.reshape(-1)[place] == pytest.approx(measured, rel=1e-4, abs=1e-8)


def test_the_empty_place_is_never_trained() -> None:
    gradient = analytic(*tiny_instance())

    assert not gradient["item"][0].any()
    assert not gradient["category"][0].any()


def test_an_empty_history_gives_finite_scores_that_differ_by_item() -> None:
    parameters, inputs, *_ = tiny_instance()
    candidates = np.arange(1, ITEMS)[None]

    logits, saved = forward(parameters, inputs, np.zeros((1, HISTORY_LENGTH), np.int64), candidates)

    assert np.isfinite(logits).all()
    assert len(set(logits[0])) == ITEMS - 1
    assert not saved["interest"].any()


def test_sum_rows_adds_rows_with_the_same_number() -> None:
    rows = np.array([3, 1, 3, 0, 1, 3])
    values = np.random.default_rng(2).normal(size=(6, 4))
    expected = np.zeros((5, 4))
    np.add.at(expected, rows, values)

    np.testing.assert_allclose(sum_rows(rows, values, 5), expected)


def test_adam_walks_down_a_slope() -> None:
    parameters, inputs, history, candidates, labels = tiny_instance()
    adam = Adam(parameters)
    before = loss(forward(parameters, inputs, history, candidates)[0], labels)

    for _ in range(50):
        adam.step(analytic(parameters, inputs, history, candidates, labels), 0.01)

    assert loss(forward(parameters, inputs, history, candidates)[0], labels) < before / 2
