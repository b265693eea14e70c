"""What products look like, as the classifier's last layer has it."""

import json
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from demo_h5.models.looks import LOOKS_FILE, last_layer, looks_files
from demo_h5.models.make_classifier import BUILT_DIR
from demo_h5.models.measure_classifier import pixels
from demo_h5.models.packages import MODELS_DIR

CATALOGUE: list[dict[str, Any]] = json.loads((MODELS_DIR / "catalogue.json").read_text())
MODEL = BUILT_DIR / "classifier.onnx"


@pytest.fixture(scope="module")
def labels() -> list[str]:
    names: list[str] = json.loads((BUILT_DIR / "labels.json").read_text())
    return names


def test_a_photo_lies_in_the_direction_of_its_class(labels: list[str]) -> None:
    session = ort.InferenceSession(MODEL.read_bytes())
    feeds = {"image": pixels(MODELS_DIR / "photos" / "coffee.jpg")}
    (embedding,) = session.run(["embedding"], feeds)
    directions = last_layer(MODEL).astype(np.float32)

    scores = directions @ embedding[0] / np.linalg.norm(directions, axis=1)

    assert labels[int(scores.argmax())] == "espresso"


def test_the_files_hold_a_direction_for_every_look(labels: list[str]) -> None:
    files = looks_files(CATALOGUE, MODEL, labels)
    rows = json.loads(files["looks.json"])
    directions = np.frombuffer(files["looks.i8"], np.int8).reshape(len(rows), 1280)

    for row, direction in zip(rows, directions, strict=True):
        np.testing.assert_array_equal(direction, last_layer(MODEL)[labels.index(row["label"])])


def test_more_than_half_of_the_products_can_be_found() -> None:
    looks = json.loads(LOOKS_FILE.read_text())
    found = {name for names in looks.values() for name in names}

    # The README and the page name this number.
    assert len(found) == 46
    assert len(CATALOGUE) == 60


@pytest.mark.parametrize(
    ("looks", "wrong"), [({"kiwi": []}, "kiwi"), ({"banana": ["Plantains"]}, "Plantains")]
)
def test_a_look_nobody_knows_is_refused(
    labels: list[str], looks: dict[str, list[str]], wrong: str
) -> None:
    with pytest.raises(ValueError, match=rf"expected classes of labels\.json .* got {wrong}\."):
        looks_files(CATALOGUE, MODEL, labels, looks)
