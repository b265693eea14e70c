"""One training run of the feed ranker: cases in, parameters out, the same for the same seed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from demo_h5.models.browsing import Aisles, browse
from demo_h5.models.din import Inputs, Parameters, forward, initial_parameters, loss
from demo_h5.models.din_training import Adam, gradients
from demo_h5.models.evaluate import Sampler, Scorer
from demo_h5.models.sessions import Cases, Floats, Ints, ItemTable, forget


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every choice of a training run; written into the metrics file."""

    epochs: int = 4
    batch: int = 512
    learning_rate: float = 0.004
    learning_rate_decay: float = 0.6
    popular_negatives: int = 2
    uniform_negatives: int = 2
    forget_ratio: float = 0.4
    browse_ratio: float = 0.2

    def to_dict(self) -> dict[str, float]:
        """Return the choices as plain data."""
        return asdict(self)


def train(
    cases: Cases,
    table: ItemTable,
    recipe: Recipe,
    seed: int,
    report: Callable[[str], None] = lambda line: None,
) -> Parameters:
    """Train on ``cases`` and return the parameters.

    The same seed gives the same parameters on the same machine; another BLAS adds in another
    order, which moves the metrics by a few thousandths.
    """
    rng = np.random.default_rng(seed)
    inputs, aisles = Inputs.of(table), Aisles.of(table)
    parameters = initial_parameters(len(table), len(table.category_names), rng)
    adam = Adam(parameters)
    samplers = (Sampler.by_popularity(table), Sampler.uniform(table))
    for epoch in range(recipe.epochs):
        learning_rate = recipe.learning_rate * recipe.learning_rate_decay**epoch
        history = forget(cases.history, recipe.forget_ratio, rng)
        history = browse(history, cases.target, aisles, recipe.browse_ratio, rng)
        losses = []
        for rows in batches(len(cases), recipe.batch, rng):
            candidates = with_negatives(cases.target[rows], samplers, recipe, rng)
            gradient, batch_loss = _slope(parameters, inputs, history[rows], candidates)
            adam.step(gradient, learning_rate)
            losses.append(batch_loss)
        report(f"epoch {epoch + 1} of {recipe.epochs}: loss {np.mean(losses):.4f}")
    return parameters


def batches(count: int, size: int, rng: np.random.Generator) -> list[Ints]:
    """Return the row numbers 0 … count-1 in random order, cut into batches."""
    order = rng.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def with_negatives(
    target: Ints, samplers: tuple[Sampler, Sampler], recipe: Recipe, rng: np.random.Generator
) -> Ints:
    """Return candidates [B, 1 + negatives]: the target, popular items, then any items."""
    counts = (recipe.popular_negatives, recipe.uniform_negatives)
    drawn = [
        sampler.draw((len(target), count), rng)
        for sampler, count in zip(samplers, counts, strict=True)
    ]
    return np.concatenate([target[:, None], *drawn], axis=1)


def scorer(parameters: Parameters, table: ItemTable) -> Scorer:
    """Return the trained network as a function of histories and candidates."""
    inputs = Inputs.of(table)

    def score(history: Ints, candidates: Ints) -> Floats:
        return forward(parameters, inputs, history, candidates)[0]

    return score


def _slope(
    parameters: Parameters, inputs: Inputs, history: Ints, candidates: Ints
) -> tuple[Parameters, float]:
    logits, saved = forward(parameters, inputs, history, candidates)
    labels = np.zeros_like(logits)
    labels[:, 0] = 1
    slope = (1 / (1 + np.exp(-logits)) - labels) / labels.size
    gradient = gradients(parameters, inputs, history, candidates, slope.astype(logits.dtype), saved)
    return gradient, loss(logits, labels)
