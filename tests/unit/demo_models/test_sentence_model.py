"""The sentence model: its signature, the pooling that was appended, and titles near each other."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from demo_h5.models.make_classifier import BUILT_DIR
from demo_h5.models.packages import pinned, read_member
from demo_h5.models.sentence_model import MODEL_FILE, MODEL_PACKAGE, with_pooling
from demo_h5.models.titles import embed
from demo_h5.tasks.search.wordpiece import WordPiece

TEXTS = ("Fresh Milk, Milk", "Chocolate Milk, Milk", "Dog Biscuits, Pets")


@pytest.fixture(scope="module")
def package_model() -> bytes:
    return read_member(pinned(MODEL_PACKAGE), MODEL_FILE)


@pytest.fixture(scope="module")
def tokenizer() -> WordPiece:
    tokens = (BUILT_DIR / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    return WordPiece(tokens)


@pytest.fixture(scope="module")
def sentence() -> ort.InferenceSession:
    return ort.InferenceSession((BUILT_DIR / "sentence.onnx").read_bytes())


def test_it_has_the_agreed_inputs_and_output(sentence: ort.InferenceSession) -> None:
    inputs = {value.name: (value.type, value.shape) for value in sentence.get_inputs()}
    (output,) = sentence.get_outputs()

    names = ("input_ids", "attention_mask", "token_type_ids")
    assert inputs == {name: ("tensor(int64)", ["batch", "sequence"]) for name in names}
    assert (output.name, output.type, output.shape) == (
        "embedding",
        "tensor(float)",
        ["batch", 384],
    )


def test_the_same_package_gives_the_same_bytes(package_model: bytes) -> None:
    made = with_pooling(onnx.load_from_string(package_model))

    assert made == (BUILT_DIR / "sentence.onnx").read_bytes()


def test_padding_does_not_change_a_text_s_vector(
    package_model: bytes, sentence: ort.InferenceSession, tokenizer: WordPiece
) -> None:
    ids = [tokenizer.encode(text) for text in TEXTS]
    longest = max(map(len, ids))
    batch = np.array([one + [0] * (longest - len(one)) for one in ids], np.int64)
    mask = np.array([[1] * len(one) + [0] * (longest - len(one)) for one in ids], np.int64)
    feeds = {"input_ids": batch, "attention_mask": mask, "token_type_ids": np.zeros_like(batch)}

    (pooled,) = sentence.run(["embedding"], feeds)
    (hidden,) = ort.InferenceSession(package_model).run(["last_hidden_state"], feeds)
    mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)

    assert pooled.shape == (3, 384)
    np.testing.assert_allclose(pooled, expected, atol=1e-5)
    for text, vector in zip(TEXTS, pooled, strict=True):
        np.testing.assert_allclose(embed(sentence, tokenizer, text), vector, atol=1e-4)


def test_like_titles_are_nearer_than_unlike_ones(
    sentence: ort.InferenceSession, tokenizer: WordPiece
) -> None:
    milk, chocolate_milk, biscuits = (embed(sentence, tokenizer, text) for text in TEXTS)

    assert milk @ chocolate_milk > 0.6 > 0.3 > milk @ biscuits
