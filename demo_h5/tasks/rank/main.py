"""Orders the feed by what the shopper looked at last.

Runs on a view of the home page and on every click on a product; a page may also call it with its
own ``{"hist": [item…], "cand": [item…]}``. Items are the ranker's numbers for products.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edge_runtime.task import Activation, ConfigError, Context, Tensor

HISTORY_LENGTH = 20
NO_ITEM = 0

LAST_CLICKS = """
    select props->>'sku' as sku
    from events
    where type = 'mta' and click_id = 'item' and json_type(props, '$.sku') = 'integer'
    order by ts desc, rowid desc
    limit :count
"""


async def run(ctx: Context, activation: Activation) -> dict[str, list[float]]:
    """Score every candidate against the shopper's last clicks, best first.

    Returns:
        ``order``: items, best first; ``scores``: theirs, in the same order; ``hist``: the clicks
        the ranking is based on, oldest first.
    """
    asked = activation.ext_data
    catalogue = json.loads(ctx.resource("candidates.json"))
    cand = items_of(asked, "cand") if "cand" in asked else catalogue
    hist = items_of(asked, "hist") if "hist" in asked else await last_clicks(ctx, set(catalogue))

    score = await score_of(ctx, hist, cand)
    best_first = sorted(range(len(cand)), key=score.__getitem__, reverse=True)
    return {
        "order": [cand[place] for place in best_first],
        "scores": [score[place] for place in best_first],
        "hist": list(hist),
    }


async def last_clicks(ctx: Context, known: set[int]) -> list[int]:
    """Return the products clicked last, oldest first; others' product numbers are skipped."""
    rows = await ctx.query(LAST_CLICKS, {"count": HISTORY_LENGTH})
    return [row["sku"] for row in reversed(rows) if row["sku"] in known]


async def score_of(ctx: Context, hist: Sequence[int], cand: Sequence[int]) -> list[float]:
    """Run the ranker: one score a candidate, higher is better."""
    if not cand:
        return []
    recent = list(hist[-HISTORY_LENGTH:])
    # The model reads its history from the right: the last place is the last click.
    padded = [NO_ITEM] * (HISTORY_LENGTH - len(recent)) + recent
    outputs = await ctx.infer("ranker", {"hist": Tensor.int64(padded), "cand": Tensor.int64(cand)})
    return outputs["score"].tolist()


def items_of(asked: Mapping[str, Any], name: str) -> list[int]:
    """Return a caller's list of item numbers.

    Raises:
        ConfigError: ``argument-invalid``: it is something else.
    """
    items = asked[name]
    if isinstance(items, list) and all(type(item) is int for item in items):
        return items
    raise ConfigError(
        "argument-invalid",
        f"extData.{name}: expected a list of item numbers, got {items!r:.80}. "
        "Take them from the field `item` of the catalogue.",
    )
