"""The tokenizer gives the numbers of the `tokenizers` library for hostile and plain texts."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from demo_h5.models.make_classifier import BUILT_DIR
from demo_h5.tasks.search.wordpiece import MAX_TOKENS, WordPiece, words

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "wordpiece.json").read_text(encoding="utf-8")
)
START, END, UNKNOWN = 101, 102, 100


@pytest.fixture(scope="module")
def vocabulary() -> list[str]:
    return (BUILT_DIR / "vocabulary.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def tokenizer(vocabulary: list[str]) -> WordPiece:
    return WordPiece(vocabulary)


def test_the_vocabulary_is_whole(vocabulary: list[str]) -> None:
    assert len(vocabulary) == len(set(vocabulary)) == 30_522
    assert [vocabulary[number] for number in (START, END, UNKNOWN)] == ["[CLS]", "[SEP]", "[UNK]"]


def test_every_text_gives_the_library_s_numbers(tokenizer: WordPiece) -> None:
    assert len(VECTORS) > 300
    wrong = [row["text"] for row in VECTORS if tokenizer.encode(row["text"]) != row["ids"]]

    assert wrong == []


def test_no_character_breaks_it(tokenizer: WordPiece) -> None:
    for first in range(0, sys.maxunicode, 4096):
        text = " ".join(map(chr, range(first, first + 4096, 7)))
        ids = tokenizer.encode(text)

        assert (ids[0], ids[-1]) == (START, END)
        assert len(ids) <= MAX_TOKENS


def test_a_typed_control_token_is_text(tokenizer: WordPiece) -> None:
    assert END not in tokenizer.encode("milk [SEP] tea")[:-1]
    assert words("[SEP]") == ["[", "sep", "]"]


def test_halves_of_a_surrogate_pair_are_left_out(tokenizer: WordPiece) -> None:
    assert tokenizer.encode("mi\ud83dlk") == tokenizer.encode("milk")


def test_the_end_token_survives_the_cut(tokenizer: WordPiece) -> None:
    ids = tokenizer.encode("milk " * 500, max_tokens=16)

    assert len(ids) == 16
    assert (ids[0], ids[-1]) == (START, END)
