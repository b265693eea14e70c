"""What the photo page compares a photo with: the classifier's own idea of what products look like.

The shop has icons, no photos, and a network that learnt from photos takes an icon of milk for a
digital clock. So a product stands for classes that it looks like, or is eaten with (``looks.json``,
written by hand), and each class for its row of the classifier's last layer: the direction in which
that class's pictures lie in the embedding space. The rows are taken out of the model file as they
are, int8 and without their scale: a direction needs none.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from demo_h5.models.efficientnet import CLASSES, EMBEDDING_WIDTH
from demo_h5.models.packages import MODELS_DIR

LOOKS_FILE = MODELS_DIR / "looks.json"
LAST_LAYER = "_fc.int8"


def looks_files(
    catalogue: Sequence[Mapping[str, Any]],
    model: Path,
    labels: Sequence[str],
    looks: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, bytes]:
    """Return the files that the task ``recognise`` reads, by name.

    ``looks.json``: ``label`` and ``items`` of every class; ``looks.i8``: the classes' directions,
    int8 [classes, 1280], in the same order.

    Raises:
        ValueError: A class that the labels have not exactly once, or a product that is not sold.
    """
    named = json.loads(LOOKS_FILE.read_text(encoding="utf-8")) if looks is None else looks
    item_of = {row["name"]: row["item"] for row in catalogue}
    unknown = [label for label in named if labels.count(label) != 1]
    unknown += [name for names in named.values() for name in names if name not in item_of]
    if unknown:
        raise ValueError(
            f"{LOOKS_FILE.name}: expected classes of labels.json and products of catalogue.json, "
            f"got {', '.join(unknown)}. Correct the names."
        )
    rows = [
        {"label": label, "items": [item_of[name] for name in names]}
        for label, names in named.items()
    ]
    directions = last_layer(model)[[labels.index(label) for label in named]]
    return {"looks.json": json.dumps(rows).encode(), "looks.i8": directions.tobytes()}


def last_layer(model: Path) -> NDArray[np.int8]:
    """Return the classifier's last weights as stored, int8 [classes, 1280]."""
    constants = onnx.load(model).graph.initializer
    (found,) = [numpy_helper.to_array(one) for one in constants if one.name == LAST_LAYER]
    weights: NDArray[np.int8] = found.reshape(CLASSES, EMBEDDING_WIDTH)
    return weights
