"""The exported graph computes what the training code computes."""

import numpy as np
import pytest

from demo_h5.models.din import Inputs
from demo_h5.models.export_onnx import OPSET, ranker_bytes
from demo_h5.models.measure_classifier import session
from demo_h5.models.sessions import HISTORY_LENGTH, item_table, make_cases
from demo_h5.models.training import Recipe, scorer, train
from tests.unit.demo_models.shop_data import made_up_shop

PURCHASES, PRODUCTS = made_up_shop()
TABLE = item_table(PURCHASES, PRODUCTS, 10**9, 5)
CASES, _ = make_cases(PURCHASES, TABLE, 10**9, np.random.default_rng(0))
PARAMETERS = train(CASES, TABLE, Recipe(epochs=2, batch=64), seed=1)
MODEL = ranker_bytes(PARAMETERS, Inputs.of(TABLE))
RANKER = session(MODEL)


@pytest.mark.parametrize("length", [0, 1, 7, HISTORY_LENGTH])
@pytest.mark.parametrize("count", [1, 24])
def test_onnx_equals_numpy(length: int, count: int) -> None:
    history = np.zeros(HISTORY_LENGTH, np.int64)
    history[HISTORY_LENGTH - length :] = CASES.history[-1][HISTORY_LENGTH - length :]
    candidates = np.arange(1, count + 1)

    (scores,) = RANKER.run(None, {"hist": history, "cand": candidates})

    logits = scorer(PARAMETERS, TABLE)(history[None], candidates[None])[0]
    assert scores.dtype == np.float32
    assert scores.shape == (count,)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_the_graph_has_the_agreed_inputs_and_output() -> None:
    inputs = {value.name: (value.type, value.shape) for value in RANKER.get_inputs()}
    (output,) = RANKER.get_outputs()

    assert inputs == {
        "hist": ("tensor(int64)", [HISTORY_LENGTH]),
        "cand": ("tensor(int64)", ["n"]),
    }
    assert (output.name, output.type, output.shape) == ("score", "tensor(float)", ["n"])
    assert OPSET <= 17


def test_the_same_seed_gives_the_same_file() -> None:
    again = train(CASES, TABLE, Recipe(epochs=2, batch=64), seed=1)
    other = train(CASES, TABLE, Recipe(epochs=2, batch=64), seed=2)

    assert ranker_bytes(again, Inputs.of(TABLE)) == MODEL
    assert ranker_bytes(other, Inputs.of(TABLE)) != MODEL
