"""The label reader's models answer as the package's own, whose pixels are prepared outside."""

import numpy as np
import onnxruntime as ort
import pytest
from edge_runtime.pure.generated_feeds import gradient
from numpy.typing import NDArray

from demo_h5.models.make_classifier import BUILT_DIR
from demo_h5.models.measure_classifier import session
from demo_h5.models.packages import pinned, read_member
from demo_h5.models.text_reader import DETECTOR, PACKAGE, RECOGNISER

CHARACTERS = 6623


def original(member: str) -> ort.InferenceSession:
    return session(read_member(pinned(PACKAGE), member))


def built(name: str) -> ort.InferenceSession:
    return session((BUILT_DIR / name).read_bytes())


def prepared(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels as the package's own code prepares them: BGR, -1 … 1, channels first."""
    scaled = (image[..., ::-1].astype(np.float32) / 255 - 0.5) / 0.5
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = gradient([3, 5, 70], (1, 96, 96, 3)).numpy()
    return pixels


def test_the_detector_gives_the_originals_probabilities_as_bytes(
    picture: NDArray[np.uint8],
) -> None:
    (text,) = built("text-detector.onnx").run(None, {"image": picture})
    (expected,) = original(DETECTOR).run(None, {"x": prepared(picture)})

    assert (text.dtype, text.shape) == (np.uint8, (1, 1, 96, 96))
    assert np.abs(text - expected * 255).max() <= 0.51


def test_the_recogniser_gives_the_originals_best_characters(picture: NDArray[np.uint8]) -> None:
    line = np.ascontiguousarray(picture[:, :48])
    character, probability = built("text-recogniser.onnx").run(None, {"image": line})
    (odds,) = original(RECOGNISER).run(None, {"x": prepared(line)})

    assert (character.dtype, character.shape) == (np.int32, (1, 12))
    assert (character == odds.argmax(2)).all()
    np.testing.assert_allclose(probability, odds.max(2), atol=1e-5)


def test_the_alphabet_has_a_line_for_every_index_but_none() -> None:
    text = (BUILT_DIR / "alphabet.txt").read_text(encoding="utf-8")
    (output,) = original(RECOGNISER).get_outputs()

    characters = text.removesuffix("\n").split("\n")
    assert len(characters) == CHARACTERS + 1 == output.shape[2] - 1
    assert characters[-1] == " " and all(len(one) == 1 for one in characters)
