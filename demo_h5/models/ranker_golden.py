"""The feed ranker's golden cases: the training code's scores of the demo feed."""

import numpy as np

from demo_h5.models.evaluate import Scorer
from demo_h5.models.feed_reaction import feed_groups
from demo_h5.models.golden import TOLERANCE, Golden, flat, golden
from demo_h5.models.sessions import HISTORY_LENGTH, Ints, ItemTable

CASES = 24


def ranker_golden(model: bytes, scorer: Scorer, table: ItemTable, histories: Ints) -> Golden:
    """Score the feed for an empty history, histories of growing length, then full ones."""
    feed, _ = feed_groups(table)
    cases = []
    for number in range(CASES):
        history = _newest(histories[number], number)
        logits = scorer(history[None], feed[None])[0]
        inputs = {"hist": history.tolist(), "cand": feed.tolist()}
        cases.append({"inputs": inputs, "outputs": {"score": flat(1 / (1 + np.exp(-logits)))}})
    return golden(model, TOLERANCE, cases)


def _newest(history: Ints, count: int) -> Ints:
    """Return the history with only its newest ``count`` places filled."""
    age = np.arange(HISTORY_LENGTH, 0, -1)
    return np.where(age <= count, history, 0)
