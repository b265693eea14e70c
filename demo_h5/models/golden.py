"""Golden files: a few inputs with the outputs onnxruntime gives, for checking other backends."""

from typing import Any

import numpy as np
import onnxruntime as ort

from demo_h5.models.feed_reaction import feed_groups
from demo_h5.models.packages import sha256_of
from demo_h5.models.sessions import HISTORY_LENGTH, Ints, ItemTable

CASES = 24
DIGITS = 7
TOLERANCE = 1e-5


def session(model: bytes) -> ort.InferenceSession:
    """Open a model on one CPU thread, so that its sums are always added in the same order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def ranker_golden(model: bytes, table: ItemTable, histories: Ints) -> dict[str, Any]:
    """Return scores of the demo feed for an empty, some short and some full histories."""
    feed, _ = feed_groups(table)
    runner = session(model)
    cases = []
    for number in range(CASES):
        history = _history(histories, number)
        (scores,) = runner.run(None, {"hist": history, "cand": feed})
        rounded = [round(float(score), DIGITS) for score in scores]
        cases.append({"hist": history.tolist(), "cand": feed.tolist(), "score": rounded})
    return {"sha256": sha256_of(model), "tolerance": TOLERANCE, "cases": cases}


def _history(histories: Ints, number: int) -> Ints:
    """Return an empty history first, then histories of growing length, then full ones."""
    kept = min(number, HISTORY_LENGTH)
    history = histories[number].copy()
    history[: HISTORY_LENGTH - kept] = 0
    return history
