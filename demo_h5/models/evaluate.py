"""How well a ranker puts the bought item first, beside simple rules and on the shop's own feed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demo_h5.models.sessions import HISTORY_LENGTH, Cases, Floats, Ints, ItemTable

CANDIDATES = 50
POPULARITY_POWER = 0.75
CUT_OFF = 10
CLICKS = 3
BATCH = 200

Scorer = Callable[[Ints, Ints], Floats]
"""Scores float [B, C] of histories int64 [B, 20] and candidates int64 [B, C]."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws items that stand for what the shopper did not take."""

    cumulative: Floats

    @classmethod
    def by_popularity(cls, table: ItemTable) -> "Sampler":
        """Draw items as often as they sell, dampened by a power of 3/4."""
        weight = table.purchases**POPULARITY_POWER
        return cls(np.cumsum(weight / weight.sum()))

    @classmethod
    def uniform(cls, table: ItemTable) -> "Sampler":
        """Draw every item equally often."""
        return cls(np.arange(len(table)) / (len(table) - 1))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
        """Return item ids from 1 up."""
        drawn = np.searchsorted(self.cumulative, rng.random(shape), side="right")
        return np.clip(drawn, 1, len(self.cumulative) - 1)


def candidate_lists(cases: Cases, sampler: Sampler, rng: np.random.Generator) -> Ints:
    """Return [n, 50] candidates: the target first, then items that are not in its basket."""
    lists = np.empty((len(cases), CANDIDATES), np.int64)
    lists[:, 0] = cases.target
    for row, basket in enumerate(cases.baskets):
        others: dict[int, None] = {}
        while len(others) < CANDIDATES - 1:
            drawn = sampler.draw((2 * CANDIDATES,), rng)
            others.update(dict.fromkeys(drawn[~np.isin(drawn, basket)].tolist()))
        lists[row, 1:] = list(others)[: CANDIDATES - 1]
    return lists


def ranking_metrics(scores: Floats) -> dict[str, float]:
    """Return AUC, HR@10, NDCG@10 and MRR; column 0 is the bought item, ties count half."""
    better = (scores[:, 1:] > scores[:, :1]).sum(1)
    rank = better + (scores[:, 1:] == scores[:, :1]).sum(1) / 2
    hit = rank < CUT_OFF
    return {
        "auc": _round(1 - rank.mean() / (scores.shape[1] - 1)),
        "hr10": _round(hit.mean()),
        "ndcg10": _round(np.where(hit, 1 / np.log2(rank + 2), 0).mean()),
        "mrr": _round((1 / (rank + 1)).mean()),
    }


def baselines(table: ItemTable) -> dict[str, Scorer]:
    """Return the rules a ranker must beat to be worth its bytes."""
    popular = np.log1p(table.purchases)

    def popularity(history: Ints, candidates: Ints) -> Floats:
        return popular[candidates]

    def same_category(history: Ints, candidates: Ints) -> Floats:
        seen = table.category[history][:, None] == table.category[candidates][..., None]
        counts: Floats = seen.sum(-1) + 0.01 * popular[candidates]
        return counts

    def rebuy(history: Ints, candidates: Ints) -> Floats:
        counts: Floats = (history[:, None] == candidates[..., None]).sum(-1) + 0.01 * popular[
            candidates
        ]
        return counts

    return {"popularity": popularity, "same category": same_category, "re-buy": rebuy}


def score_all(scorer: Scorer, history: Ints, candidates: Ints) -> Floats:
    """Score many cases a batch at a time."""
    starts = range(0, len(history), BATCH)
    parts = [scorer(history[i : i + BATCH], candidates[i : i + BATCH]) for i in starts]
    return np.concatenate(parts)


def compare(
    scorers: Mapping[str, Scorer], cases: Cases, lists: Ints
) -> dict[str, dict[str, float]]:
    """Return the ranking metrics of every scorer on the same candidate lists."""
    return {
        name: ranking_metrics(score_all(scorer, cases.history, lists))
        for name, scorer in scorers.items()
    }


def reaction(
    scorer: Scorer,
    feed: Ints,
    groups: Mapping[str, Sequence[int]],
    histories: Ints,
    rng: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Measure how three clicks on a category move it in the feed.

    Args:
        scorer: The ranker.
        feed: Item ids of the feed.
        groups: Category name → places of its items in the feed.
        histories: [n, 20] histories to start from; an empty one is a new visitor.
        rng: Chooses which three items are clicked, and in which order.

    Returns:
        For each category the mean place (1 = top) of its items before and after three clicks on
        items of it, and their ratio.
    """
    table = {}
    before = places(scorer, histories, feed)
    for name, members in groups.items():
        clicks = np.stack([rng.permutation(members)[:CLICKS] for _ in histories])
        after = places(scorer, append_clicks(histories, feed[clicks]), feed)
        start, end = before[:, members].mean(), after[:, members].mean()
        table[name] = {
            "before": _round(start, 2),
            "after": _round(end, 2),
            "ratio": _round(end / start, 3),
        }
    return table


def append_clicks(histories: Ints, clicks: Ints) -> Ints:
    """Return histories with ``clicks`` [n, k] as the newest items."""
    return np.concatenate([histories, clicks], axis=1)[:, -HISTORY_LENGTH:]


def places(scorer: Scorer, histories: Ints, feed: Ints) -> Ints:
    """Return the place of every feed item in its ranking, 1 for the top, [n, feed]."""
    scores = score_all(scorer, histories, np.tile(feed, (len(histories), 1)))
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.argsort(order, axis=1) + 1


def _round(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
