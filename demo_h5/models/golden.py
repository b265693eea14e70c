"""Golden files: a few inputs with the outputs they must give, for checking any backend."""

from typing import Any

import numpy as np

from demo_h5.models.evaluate import Scorer
from demo_h5.models.feed_reaction import feed_groups
from demo_h5.models.packages import sha256_of
from demo_h5.models.sessions import HISTORY_LENGTH, Ints, ItemTable

CASES = 24
DIGITS = 7
TOLERANCE = 1e-5


def ranker_golden(
    model: bytes, scorer: Scorer, table: ItemTable, histories: Ints
) -> dict[str, Any]:
    """Return the training code's scores of the demo feed for histories of every length."""
    feed, _ = feed_groups(table)
    cases = []
    for number in range(CASES):
        history = _history(histories, number)
        logits = scorer(history[None], feed[None])[0]
        scores = [round(float(score), DIGITS) for score in 1 / (1 + np.exp(-logits))]
        cases.append({"hist": history.tolist(), "cand": feed.tolist(), "score": scores})
    return {"sha256": sha256_of(model), "tolerance": TOLERANCE, "cases": cases}


def _history(histories: Ints, number: int) -> Ints:
    """Return an empty history first, then histories of growing length, then full ones."""
    kept = min(number, HISTORY_LENGTH)
    place = np.arange(HISTORY_LENGTH, 0, -1)
    return np.where(place <= kept, histories[number], 0)
