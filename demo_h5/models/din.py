"""A Deep Interest Network in numpy: parameters, forward pass, gradients and Adam.

Source: Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018; here with
softmax attention and a learnt recency bias. For a candidate t and a history h of 20 places:

    v = [item embedding, category embedding]        places that are empty have v = 0
    a = softmax(v_h · (w ∘ v_t) + recency bias)      empty places are left out
    u = Σ a v_h                                      the interest in t
    x = [v_t, u, u ∘ v_t, features(h, t)]
    logit = MLP(x), two hidden layers with ReLU

Features: log popularity and log price (standardised), how often the item and its category occur
in the history (log), and the same two counts with a learnt weight for each place of the history.

Shapes: ``history`` int64 [B, L], ``candidates`` int64 [B, C], logits float32 [B, C].
"""

from dataclasses import dataclass, field

import numpy as np

from demo_h5.models.sessions import HISTORY_LENGTH, Floats, Ints, ItemTable

Parameters = dict[str, Floats]

ITEM_WIDTH = 16
CATEGORY_WIDTH = 8
HIDDEN = (48, 24)
FEATURES = 6
EXCLUDED = -1e9


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the model knows of each item, row 0 empty: ``category`` [N+1], ``static`` [N+1, 2]."""

    category: Ints
    static: Floats

    @classmethod
    def of(cls, table: ItemTable) -> "Inputs":
        """Standardise log popularity and log price over the known items."""
        columns = np.stack([np.log1p(table.purchases), np.log(table.price)], axis=1)
        static = (columns - columns[1:].mean(0)) / columns[1:].std(0)
        static[0] = 0
        return cls(table.category, static.astype(np.float32))


@dataclass(slots=True)
class Activations:
    """What the forward pass leaves for the gradients."""

    values: dict[str, Floats] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]


def initial_parameters(
    items: int, categories: int, rng: np.random.Generator, dtype: type = np.float32
) -> Parameters:
    """Draw starting values; ``items`` and ``categories`` count row 0, which stays zero."""
    width = ITEM_WIDTH + CATEGORY_WIDTH
    place = np.linspace(-1, 0, HISTORY_LENGTH)
    sizes = (3 * width + FEATURES, *HIDDEN, 1)
    parameters = {
        "item": rng.normal(0, 0.05, (items, ITEM_WIDTH)),
        "category": rng.normal(0, 0.05, (categories, CATEGORY_WIDTH)),
        "attention": np.full(width, 4.0),
        "recency": place.copy(),
        "item_recency": np.exp(3 * place),
        "category_recency": np.exp(3 * place),
    }
    for layer, (rows, columns) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        parameters[f"w{layer}"] = rng.normal(0, np.sqrt(1 / rows), (rows, columns))
        parameters[f"b{layer}"] = np.zeros(columns)
    for name in ("item", "category"):
        parameters[name][0] = 0
    return {name: value.astype(dtype) for name, value in parameters.items()}


def forward(
    parameters: Parameters, inputs: Inputs, history: Ints, candidates: Ints
) -> tuple[Floats, Activations]:
    """Return logits [B, C] and what :func:`gradients` needs."""
    p, category = parameters, inputs.category
    seen = np.concatenate([p["item"][history], p["category"][category[history]]], -1)
    shown = np.concatenate([p["item"][candidates], p["category"][category[candidates]]], -1)
    query = shown * p["attention"]
    scores = query @ seen.transpose(0, 2, 1) + p["recency"]
    weights = softmax(np.where((history == 0)[:, None], p["recency"].dtype.type(EXCLUDED), scores))
    interest = weights @ seen
    same_item, same_category = matches(inputs, history, candidates, p["recency"].dtype)
    features = np.stack(
        [
            *np.moveaxis(inputs.static[candidates].astype(p["recency"].dtype), -1, 0),
            np.log1p(same_item.sum(-1)),
            np.log1p(same_category.sum(-1)),
            same_item @ p["item_recency"],
            same_category @ p["category_recency"],
        ],
        axis=-1,
    )
    x = np.concatenate([shown, interest, interest * shown, features], -1)
    hidden1 = np.maximum(x @ p["w1"] + p["b1"], 0)
    hidden2 = np.maximum(hidden1 @ p["w2"] + p["b2"], 0)
    logits: Floats = (hidden2 @ p["w3"] + p["b3"])[..., 0]
    names = "seen shown query weights interest same_item same_category x hidden1 hidden2".split()
    values = (seen, shown, query, weights, interest, same_item, same_category, x, hidden1, hidden2)
    return logits, Activations(dict(zip(names, values, strict=True)))


def matches(
    inputs: Inputs, history: Ints, candidates: Ints, dtype: np.dtype[np.floating]
) -> tuple[Floats, Floats]:
    """Say with 0 and 1 where candidates [B, C] and their categories occur in histories."""
    filled = (history > 0)[:, None]
    item = (candidates[..., None] == history[:, None]) & filled
    categories = inputs.category
    category = (categories[candidates][..., None] == categories[history][:, None]) & filled
    return item.astype(dtype), category.astype(dtype)


def softmax(scores: Floats) -> Floats:
    """Normalise the exponentials of ``scores`` over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    normalised: Floats = powers / powers.sum(-1, keepdims=True)
    return normalised


def loss(logits: Floats, labels: Floats) -> float:
    """Return the mean binary cross entropy of logits and 0/1 labels."""
    return float(np.mean(np.logaddexp(0, logits) - labels * logits))
