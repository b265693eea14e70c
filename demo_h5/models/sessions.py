"""Training cases: what a shopper had bought and clicked, and what was bought next.

The data hold purchases, not clicks. A *session* is a basket; some of its products, drawn at
random, stand for clicks seen so far, and another product of the same basket is the target.
Everything a model may know about products (which exist, how often they sell, at what price,
in which category) is computed from purchases before the test period.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo_h5.models.purchases import Product, Purchases

HISTORY_LENGTH = 20
MIN_PURCHASES = 50
TEST_RATIO = 0.1
MAX_SESSION_CLICKS = 6
TARGETS_PER_BASKET = 3

Ints = NDArray[np.int64]
Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class ItemTable:
    """Products the model knows; row 0 is the empty place of a history.

    ``product_id``, ``category``, ``purchases`` and ``price`` have one row an item.
    """

    product_id: Ints
    category: Ints
    category_names: tuple[str, ...]
    purchases: Floats
    price: Floats

    def __len__(self) -> int:
        return len(self.product_id)

    def items_of(self, products: Ints) -> Ints:
        """Return model item ids of product ids, 0 for products the model does not know."""
        place = np.searchsorted(self.product_id[1:], products)
        place = np.minimum(place, len(self) - 2)
        known = self.product_id[1:][place] == products
        return np.where(known, place + 1, 0)


@dataclass(frozen=True, slots=True)
class Cases:
    """``history`` [n, 20] with the newest item last, ``target`` [n], and each case's basket."""

    history: Ints
    target: Ints
    baskets: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Ints) -> "Cases":
        """Return the cases at ``rows``, in that order."""
        baskets = tuple(self.baskets[row] for row in rows)
        return Cases(self.history[rows], self.target[rows], baskets)


def split_time_s(purchases: Purchases, test_ratio: float = TEST_RATIO) -> int:
    """Return the time in seconds from which purchases are only used for testing."""
    return int(np.quantile(purchases.time_s, 1 - test_ratio, method="higher"))


def item_table(
    purchases: Purchases,
    products: Mapping[int, Product],
    test_from_s: int,
    min_purchases: int = MIN_PURCHASES,
) -> ItemTable:
    """Count, price and categorise products by purchases before ``test_from_s`` only."""
    past = purchases.where(purchases.time_s < test_from_s)
    ids, row, counts = np.unique(past.product, return_inverse=True, return_counts=True)
    frequent = counts >= min_purchases
    price = _median_by(row, past.unit_price, len(ids))[frequent]
    shelves = [products[int(product)].shelf for product in ids[frequent]]
    names = tuple(sorted(set(shelves)))
    number = {name: index + 1 for index, name in enumerate(names)}
    return ItemTable(
        product_id=np.concatenate([[0], ids[frequent]]).astype(np.int64),
        category=np.array([0, *(number[shelf] for shelf in shelves)], np.int64),
        category_names=("", *names),
        purchases=np.concatenate([[0], counts[frequent]]).astype(np.float64),
        price=np.concatenate([[1.0], np.maximum(price, 0.05)]),
    )


def make_cases(
    purchases: Purchases, table: ItemTable, test_from_s: int, rng: np.random.Generator
) -> tuple[Cases, Cases]:
    """Return training cases (baskets before the test period) and test cases (after).

    Each kind has its own random numbers, so what happens in the test period does not even change
    which clicks are drawn for training.
    """
    generators = rng.spawn(2)
    items = table.items_of(purchases.product)
    known = purchases.where(items > 0)
    items = items[items > 0]
    starts = np.flatnonzero(np.diff(known.basket, prepend=-1))
    parts: tuple[list[_Case], list[_Case]] = ([], [])
    household, past = -1, items[:0]
    for start, end in zip(starts, [*starts[1:], len(items)], strict=True):
        if known.household[start] != household:
            household, past = int(known.household[start]), items[:0]
        basket = items[start:end]
        is_test = int(known.time_s[start] >= test_from_s)
        parts[is_test].extend(_basket_cases(past, basket, generators[is_test]))
        past = np.concatenate([past, basket])[-HISTORY_LENGTH:]
    return _stack(parts[0]), _stack(parts[1])


_Case = tuple[Ints, int, Ints]


def _basket_cases(past: Ints, basket: Ints, rng: np.random.Generator) -> list[_Case]:
    """Split a basket into clicks seen so far and a target, a few times over."""
    shuffled = rng.permutation(basket)
    cases = []
    for _ in range(min(TARGETS_PER_BASKET, len(basket) - 1)):
        clicks = int(rng.integers(1, min(len(basket) - 1, MAX_SESSION_CLICKS) + 1))
        target = int(shuffled[rng.integers(clicks, len(basket))])
        seen = np.concatenate([past, shuffled[:clicks]])[-HISTORY_LENGTH:]
        history = np.zeros(HISTORY_LENGTH, np.int64)
        history[HISTORY_LENGTH - len(seen) :] = seen
        cases.append((history, target, basket))
    return cases


def forget(history: Ints, share: float, rng: np.random.Generator) -> Ints:
    """Cut a ``share`` of histories to a random length 0–20, as new visitors have them."""
    kept = rng.integers(0, HISTORY_LENGTH + 1, len(history))
    kept = np.where(rng.random(len(history)) < share, kept, HISTORY_LENGTH)
    age = np.arange(HISTORY_LENGTH, 0, -1)
    return np.where(age[None, :] <= kept[:, None], history, 0)


def _stack(cases: list[_Case]) -> Cases:
    if not cases:
        return Cases(np.zeros((0, HISTORY_LENGTH), np.int64), np.zeros(0, np.int64), ())
    history, target, baskets = zip(*cases, strict=True)
    return Cases(np.stack(history), np.array(target, np.int64), tuple(baskets))


def _median_by(group: Ints, values: Floats, groups: int) -> Floats:
    """Return the median of ``values`` in each group; every group has at least one."""
    order = np.lexsort((values, group))
    counts = np.bincount(group, minlength=groups)
    start = np.cumsum(counts) - counts
    low, high = order[start + (counts - 1) // 2], order[start + counts // 2]
    middle: Floats = (values[low] + values[high]) / 2
    return middle
