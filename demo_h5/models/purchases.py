"""Purchases and products as plain arrays and records, whatever data set they come from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo_h5.models.shelves import shelf_of


@dataclass(frozen=True, slots=True)
class Purchases:
    """Rows of one product in one basket, sorted by household, time and basket.

    All arrays have the same length; ``time_s`` is seconds since 1970.
    """

    household: NDArray[np.int64]
    basket: NDArray[np.int64]
    product: NDArray[np.int64]
    time_s: NDArray[np.int64]
    unit_price: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.product)

    def where(self, mask: NDArray[np.bool_]) -> "Purchases":
        """Return the rows for which ``mask`` is true."""
        return self.take(np.flatnonzero(mask))

    def take(self, rows: NDArray[np.int64]) -> "Purchases":
        """Return the purchases at ``rows``, in that order."""
        return Purchases(
            self.household[rows],
            self.basket[rows],
            self.product[rows],
            self.time_s[rows],
            self.unit_price[rows],
        )


@dataclass(frozen=True, slots=True)
class Product:
    """What the data say about one product, as they say it."""

    product_id: int
    department: str
    brand: str
    product_category: str
    product_type: str
    package_size: str

    @property
    def shelf(self) -> str:
        """The category the ranker knows: product categories, a few of them merged."""
        return shelf_of(self.product_category)


def one_row_per_product(purchases: Purchases) -> Purchases:
    """Sort by household, time and basket, and drop repeats of a product in one basket."""
    keys = (purchases.product, purchases.basket, purchases.time_s, purchases.household)
    order = np.lexsort(keys)
    product, basket = purchases.product[order], purchases.basket[order]
    first = np.ones(len(order), bool)
    first[1:] = (product[1:] != product[:-1]) | (basket[1:] != basket[:-1])
    return purchases.take(order[first])
