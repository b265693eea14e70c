"""Which product categories of the data form one category for the ranker and the shop.

The data split fresh produce by kind (apples, berries, …) and candy by where it hangs. A shopper
who looks at apples is looking at fruit, so these are merged; every other category stays itself.
"""

SHELVES = {
    "fruit": (
        "APPLES", "BERRIES", "CITRUS", "GRAPES", "MELONS", "PEARS", "STONE FRUIT", "TROPICAL FRUIT",
    ),
    "vegetables": (
        "BROCCOLI/CAULIFLOWER", "CARROTS", "CORN", "MUSHROOMS", "ONIONS", "PEPPERS-ALL", "POTATOES",
        "TOMATOES", "VEGETABLES - ALL OTHERS", "VEGETABLES SALAD",
    ),
    "seafood": ("SEAFOOD - FROZEN", "SEAFOOD-FRESH"),
    "coffee and tea": ("COFFEE", "TEAS"),
    "ice cream": ("FRZN NOVELTIES/WTR ICE", "ICE CREAM/MILK/SHERBTS"),
    "pets": ("CAT FOOD", "DOG FOODS"),
    "candy": ("CANDY - CHECKLANE", "CANDY - PACKAGED"),
}  # fmt: skip

_SHELF_OF = {category: shelf for shelf, categories in SHELVES.items() for category in categories}


def shelf_of(product_category: str) -> str:
    """Return the shelf of a product category: a merged one, or the category itself."""
    return _SHELF_OF.get(product_category, product_category or "unknown")
