"""The built classifier is the locked one and knows what is on the sample photos."""

import json
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest
from edge_runtime.pure.agreement import compare, judge
from edge_runtime.pure.golden import parse_golden
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec
from PIL import Image

from demo_h5.models.make_classifier import BUILT_DIR, OUTPUTS, is_built
from demo_h5.models.make_photos import MAX_BYTES, MAX_SIDE_PIXELS, PHOTOS_DIR
from demo_h5.models.measure_classifier import GOLDEN_FILE, METRICS_FILE, pixels, recognise, session

PHOTOS: list[dict[str, Any]] = json.loads((PHOTOS_DIR / "photos.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def classifier() -> ort.InferenceSession:
    path = BUILT_DIR / "classifier.onnx"
    assert path.exists(), "run `python -m demo_h5.models.make_classifier` (make setup does)"
    return session(path.read_bytes())


@pytest.fixture(scope="module")
def labels() -> list[str]:
    names: list[str] = json.loads((BUILT_DIR / "labels.json").read_text(encoding="utf-8"))
    return names


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_built_is_what_is_locked(name: str) -> None:
    assert is_built(name)


def test_other_bytes_do_not_count_as_built(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("[]")

    assert not is_built("labels.json", tmp_path)
    assert not is_built("classifier.onnx", tmp_path)


def test_the_classifier_has_the_agreed_inputs_and_outputs(
    classifier: ort.InferenceSession,
) -> None:
    (image,) = classifier.get_inputs()
    outputs = {value.name: (value.type, value.shape) for value in classifier.get_outputs()}

    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", [1, 224, 224, 3])
    assert outputs == {
        "probs": ("tensor(float)", [1, 1000]),
        "embedding": ("tensor(float)", [1, 1280]),
    }


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo["file"])
def test_the_classifier_recognises_a_sample_photo(
    classifier: ort.InferenceSession, labels: list[str], photo: dict[str, Any]
) -> None:
    best = recognise(classifier, labels, pixels(PHOTOS_DIR / photo["file"]))[0]

    assert best["index"] in {photo["expected"]["index"], *photo["expected"]["alsoRight"]}
    assert labels[photo["expected"]["index"]] == photo["expected"]["name"]


def test_probabilities_equal_the_golden_ones(classifier: ort.InferenceSession) -> None:
    image = TensorSpec("image", "uint8", (1, 224, 224, 3))
    plain = json.loads(GOLDEN_FILE.read_text(encoding="utf-8"))
    golden = parse_golden(plain, [image], [TensorSpec("probs", "float32", (1, 1000))])

    assert len(golden.cases) == 3
    for case in golden.cases:
        (probabilities,) = classifier.run(["probs"], {"image": case.feeds["image"].numpy()})
        given = {"probs": Tensor.from_numpy(probabilities)}
        assert judge(compare(case.outputs, given), golden.tolerances["fp32"]) is None
        assert probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_metrics_and_golden_outputs_are_those_of_the_locked_model() -> None:
    lock = json.loads((BUILT_DIR.parent / "models.lock.json").read_text(encoding="utf-8"))
    expected = lock["outputs"]["classifier.onnx"]["sha256"]

    assert json.loads(METRICS_FILE.read_text(encoding="utf-8"))["model"]["sha256"] == expected
    assert json.loads(GOLDEN_FILE.read_text(encoding="utf-8"))["sha256"] == expected


def test_there_is_a_name_for_every_class(labels: list[str]) -> None:
    assert len(labels) == 1000
    assert all(name and len(name) < 40 for name in labels)


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo["file"])
def test_a_sample_photo_is_small_and_says_whose_it_is(photo: dict[str, Any]) -> None:
    path = PHOTOS_DIR / photo["file"]

    assert path.stat().st_size <= MAX_BYTES
    with Image.open(path) as picture:
        assert max(picture.size) <= MAX_SIDE_PIXELS
    assert photo["licence"] in {"CC0-1.0", "Public domain", "CC-BY-2.0"}
    assert photo["credit"] and photo["title"] and photo["titleZh"]
