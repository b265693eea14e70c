"""What the product search compares with: a vector for every title of the catalogue.

Made when the site is built, with onnxruntime on this machine: a shopper's device then embeds one
short query and nothing else, so the first answer does not wait for sixty titles, and the sixty
vectors are small (92 kB). They are not in the lock file: processors round differently in the last
bits.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from demo_h5.tasks.search.wordpiece import WordPiece, words


def search_files(
    catalogue: Sequence[Mapping[str, Any]], model: Path, vocabulary: Path
) -> dict[str, bytes]:
    """Return the files that the task ``search`` reads, by name.

    ``titles.json``: item and words of every product, in both languages; ``titles.f32``: their
    vectors, little-endian, in the same order; ``vocabulary.txt``: the tokens.
    """
    names = ("name", "category", "nameZh", "categoryZh")
    titles = [
        {"item": row["item"], "words": words(" ".join(row[name] for name in names))}
        for row in catalogue
    ]
    return {
        "titles.json": json.dumps(titles, ensure_ascii=False).encode(),
        "titles.f32": title_vectors(catalogue, model, vocabulary).astype("<f4").tobytes(),
        "vocabulary.txt": vocabulary.read_bytes(),
    }


def title_of(product: Mapping[str, Any]) -> str:
    """Return the text a product is found by: with its category "Tea Bags" is near "caffeine"."""
    return f"{product['name']}, {product['category']}"


def title_vectors(
    catalogue: Sequence[Mapping[str, Any]], model: Path, vocabulary: Path
) -> NDArray[np.float32]:
    """Return the vectors of the titles, float32 [products, 384], each of length 1."""
    tokens = vocabulary.read_text(encoding="utf-8").splitlines()
    session = ort.InferenceSession(model.read_bytes(), providers=["CPUExecutionProvider"])
    tokenizer = WordPiece(tokens)
    return np.stack([embed(session, tokenizer, title_of(product)) for product in catalogue])


def embed(session: ort.InferenceSession, tokenizer: WordPiece, text: str) -> NDArray[np.float32]:
    """Return the vector of one text, float32 [384]."""
    ids = np.array([tokenizer.encode(text)], np.int64)
    feeds = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    (vectors,) = session.run(["embedding"], feeds)
    vector: NDArray[np.float32] = vectors[0]
    return vector
