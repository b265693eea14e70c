"""Which products a photo is near to, in the space where the classifier compares pictures."""

import json
import math
from array import array
from operator import mul

from edge_runtime.task import Context

NEAREST = 6
# A photo is this near to its own class's direction (0.2 to 0.35), and to unlike ones below 0.12.
MIN_SCORE = 0.15


def nearest_products(ctx: Context, embedding: list[float]) -> list[dict[str, object]]:
    """Return the products whose look is nearest, nearest first; none where nothing is near.

    Args:
        ctx: Of the run.
        embedding: The photo's 1280 numbers.

    Returns:
        ``item``; ``score``, the cosine between photo and look; ``look``, the class it is near to.
    """
    looks = json.loads(ctx.resource("looks.json"))
    directions = array("b", ctx.resource("looks.i8"))
    width = len(embedding)
    best: dict[int, tuple[float, str]] = {}
    for place, look in enumerate(looks):
        direction = directions[place * width : (place + 1) * width]
        score = cosine(embedding, direction)
        for item in look["items"]:
            best[item] = max(best.get(item, (-1.0, "")), (score, look["label"]))
    near = [(item, score, look) for item, (score, look) in best.items() if score >= MIN_SCORE]
    near.sort(key=lambda row: row[1], reverse=True)
    return [
        {"item": item, "score": round(score, 4), "look": look}
        for item, score, look in near[:NEAREST]
    ]


def cosine(one: list[float], other: array) -> float:
    """Return the cosine of the angle between two vectors, neither all zero."""
    lengths = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / lengths
