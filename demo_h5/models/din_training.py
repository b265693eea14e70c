"""Gradients of the Deep Interest Network and the Adam steps that use them.

Source of the update rule: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.
"""

import numpy as np

from demo_h5.models.din import CATEGORY_WIDTH, ITEM_WIDTH, Activations, Inputs, Parameters
from demo_h5.models.sessions import Floats, Ints

FIRST_MOMENT_DECAY = 0.9
SECOND_MOMENT_DECAY = 0.999
EPSILON = 1e-8
EMBEDDINGS = ("item", "category")
EMBEDDING_DECAY = 1e-6


def gradients(
    parameters: Parameters,
    inputs: Inputs,
    history: Ints,
    candidates: Ints,
    logit_gradient: Floats,
    saved: Activations,
) -> Parameters:
    """Return the gradient of every parameter given d loss / d logits [B, C]."""
    result, x_gradient = _mlp_gradients(parameters, logit_gradient, saved)
    width = ITEM_WIDTH + CATEGORY_WIDTH
    shown_direct, interest_direct, product, feature = np.split(
        x_gradient, [width, 2 * width, 3 * width], axis=-1
    )
    interest_gradient = interest_direct + product * saved["shown"]
    weight_gradient = interest_gradient @ saved["seen"].transpose(0, 2, 1)
    weights = saved["weights"]
    score_gradient = weights * (
        weight_gradient - (weights * weight_gradient).sum(-1, keepdims=True)
    )
    query_gradient = score_gradient @ saved["seen"]
    seen_gradient = weights.transpose(0, 2, 1) @ interest_gradient
    seen_gradient += score_gradient.transpose(0, 2, 1) @ saved["query"]
    shown_gradient = shown_direct + product * saved["interest"]
    shown_gradient += query_gradient * parameters["attention"]
    result["attention"] = (query_gradient * saved["shown"]).sum((0, 1))
    result["recency"] = score_gradient.sum((0, 1))
    result["item_recency"] = np.einsum("bc,bcl->l", feature[..., 4], saved["same_item"])
    result["category_recency"] = np.einsum("bc,bcl->l", feature[..., 5], saved["same_category"])
    rows = np.concatenate([history.ravel(), candidates.ravel()])
    values = np.concatenate([seen_gradient.reshape(-1, width), shown_gradient.reshape(-1, width)])
    item, category = values[:, :ITEM_WIDTH], values[:, ITEM_WIDTH:]
    result["item"] = sum_rows(rows, item, len(parameters["item"]))
    result["category"] = sum_rows(inputs.category[rows], category, len(parameters["category"]))
    for name in EMBEDDINGS:
        result[name][0] = 0
    return result


def _mlp_gradients(
    parameters: Parameters, logit_gradient: Floats, saved: Activations
) -> tuple[Parameters, Floats]:
    """Return gradients of weights and biases, and of the network's input x."""
    result: Parameters = {}
    flowing = logit_gradient[..., None]
    for layer, below in ((3, "hidden2"), (2, "hidden1"), (1, "x")):
        flat = flowing.reshape(-1, flowing.shape[-1])
        result[f"w{layer}"] = saved[below].reshape(flat.shape[0], -1).T @ flat
        result[f"b{layer}"] = flat.sum(0)
        flowing = flowing @ parameters[f"w{layer}"].T
        if layer > 1:
            flowing = flowing * (saved[below] > 0)
    return result, flowing


def sum_rows(rows: Ints, values: Floats, count: int) -> Floats:
    """Add up the rows of ``values`` that belong to the same one of ``count`` rows.

    Sorting first makes the order of additions, and so the rounding, always the same.
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    total = np.zeros((count, values.shape[1]), values.dtype)
    total[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return total


class Adam:
    """Adam over a dictionary of parameters, which it changes in place."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._second = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._steps = 0

    def step(self, gradient: Parameters, learning_rate: float) -> None:
        """Move every parameter against its gradient."""
        self._steps += 1
        first_scale = 1 - FIRST_MOMENT_DECAY**self._steps
        second_scale = 1 - SECOND_MOMENT_DECAY**self._steps
        for name, value in self._parameters.items():
            slope = gradient[name] + (EMBEDDING_DECAY * value if name in EMBEDDINGS else 0)
            first, second = self._first[name], self._second[name]
            first += (1 - FIRST_MOMENT_DECAY) * (slope - first)
            second += (1 - SECOND_MOMENT_DECAY) * (slope * slope - second)
            scale = np.sqrt(second / second_scale) + EPSILON
            value -= (learning_rate * (first / first_scale) / scale).astype(value.dtype)
