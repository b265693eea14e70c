"""Write the demo feed with model ids and prices: ``python -m demo_h5.models.make_catalogue``."""

import json
from collections.abc import Mapping
from pathlib import Path

from demo_h5.models import completejourney
from demo_h5.models.feed import FEED, FeedItem
from demo_h5.models.packages import MODELS_DIR, say
from demo_h5.models.purchases import Product
from demo_h5.models.sessions import ItemTable, item_table, split_time_s

CATALOGUE_FILE = MODELS_DIR / "catalogue.json"
ITEMS_FILE = MODELS_DIR / "ranker.items.json"

Row = dict[str, int | float | str]


def catalogue(table: ItemTable, products: Mapping[int, Product]) -> list[Row]:
    """Return the feed's rows, category by category.

    Raises:
        ValueError: A product of the feed is not among the items the model knows.
    """
    known = {int(product): item for item, product in enumerate(table.product_id) if item}
    rows = []
    for (category, category_zh), feed_items in FEED.items():
        for feed_item in feed_items:
            if feed_item.product_id not in known:
                raise ValueError(
                    f"product {feed_item.product_id} ({feed_item.name}): expected one that sold at "
                    "least 50 times before the test period. Choose another in feed.py."
                )
            item = known[feed_item.product_id]
            product = products[feed_item.product_id]
            labels: Row = {"category": category, "categoryZh": category_zh}
            rows.append(_row(item, feed_item, labels, product, float(table.price[item])))
    return rows


def write_catalogue(
    table: ItemTable, products: Mapping[int, Product], path: Path = CATALOGUE_FILE
) -> None:
    """Write the feed, one product a line, so that a change shows as one line."""
    lines = [json.dumps(row, ensure_ascii=False) for row in catalogue(table, products)]
    path.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n", encoding="utf-8")


def write_items(table: ItemTable, path: Path = ITEMS_FILE) -> None:
    """Write the product id of every model item: place i of the list is item i, place 0 is empty."""
    ids = json.dumps(table.product_id.tolist(), separators=(",", ":"))
    path.write_text('{"productIds":' + ids + "}\n", encoding="utf-8")


def _row(item: int, feed_item: FeedItem, labels: Row, product: Product, price: float) -> Row:
    return {
        "item": item,
        "productId": feed_item.product_id,
        "name": feed_item.name,
        "nameZh": feed_item.name_zh,
        **labels,
        "department": product.department.title(),
        "price": round(price, 2),
        "size": feed_item.size,
        "brand": product.brand,
    }


def main() -> None:
    """Read the data and write the catalogue and the item ids."""
    purchases, products = completejourney.load()
    table = item_table(purchases, products, split_time_s(purchases))
    write_catalogue(table, products)
    write_items(table)
    say(f"wrote {CATALOGUE_FILE.name} and {ITEMS_FILE.name}: {len(table) - 1} items known")


if __name__ == "__main__":
    main()
