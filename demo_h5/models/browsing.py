"""Simulated browsing: a shopper looks at a few products of a category before buying one of it.

The data know purchases only, and shoppers rarely buy two kinds of eggs; a model taught by baskets
alone learns that a click on eggs makes more eggs *less* likely. In a shop a click means interest,
so a share of the training cases ends with clicks drawn from the target's category, the target
itself often among them. Test cases are left as the data give them.
"""

from dataclasses import dataclass

import numpy as np

from demo_h5.models.sessions import HISTORY_LENGTH, Floats, Ints, ItemTable

MAX_CLICKS = 3
TARGET_AMONG_CLICKS_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Aisles:
    """Draws items of a given category, popular ones more often.

    ``items`` are sorted by category; ``cumulative`` adds up their weights in that order and
    ``bounds`` [categories + 1] is the sum of all weights before each category.
    """

    category: Ints
    items: Ints
    cumulative: Floats
    bounds: Floats

    @classmethod
    def of(cls, table: ItemTable) -> "Aisles":
        """Weigh items by the square root of their sales."""
        weight = np.sqrt(table.purchases)
        items = np.argsort(table.category, kind="stable")
        totals = np.bincount(table.category, weights=weight)
        bounds = np.concatenate([[0], np.cumsum(totals)])
        return cls(table.category, items, np.cumsum(weight[items]), bounds)

    def draw(self, categories: Ints, rng: np.random.Generator) -> Ints:
        """Return one item for each category number."""
        low, high = self.bounds[categories], self.bounds[categories + 1]
        point = low + rng.random(categories.shape) * (high - low)
        first = np.searchsorted(self.category[self.items], categories, side="left")
        last = np.searchsorted(self.category[self.items], categories, side="right") - 1
        place = np.clip(np.searchsorted(self.cumulative, point, side="right"), first, last)
        return self.items[place]


def browse(
    history: Ints, target: Ints, aisles: Aisles, share: float, rng: np.random.Generator
) -> Ints:
    """Return histories of which a ``share`` ends with 1–3 clicks in the target's category."""
    browsing = rng.random(len(history)) < share
    clicks = rng.integers(1, MAX_CLICKS + 1, len(history)) * browsing
    result = history.copy()
    for count in range(1, MAX_CLICKS + 1):
        rows = np.flatnonzero(clicks == count)
        drawn = aisles.draw(np.repeat(aisles.category[target[rows]][:, None], count, axis=1), rng)
        looked_at = rng.random(len(rows)) < TARGET_AMONG_CLICKS_RATIO
        place = rng.integers(0, count, len(rows))
        drawn[looked_at, place[looked_at]] = target[rows][looked_at]
        result[rows] = np.concatenate([history[rows], drawn], axis=1)[:, -HISTORY_LENGTH:]
    return result
