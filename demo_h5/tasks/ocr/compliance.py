"""Finds words that China's advertising law does not allow on a label."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypedDict


class Rule(TypedDict):
    """Words of one kind and why they are banned; ``allowed`` are longer words that hold them."""

    words: list[str]
    allowed: list[str]
    reason: str
    reasonZh: str


_Match = tuple[int, int, Rule]


class Finding(TypedDict):
    """A banned word at ``start`` … ``end`` of a text, in characters."""

    word: str
    start: int
    end: int
    reason: str
    reasonZh: str


def findings_of(text: str, rules: Sequence[Rule]) -> list[Finding]:
    """Return the banned words of a text in its order; overlapping ones are one finding.

    Spaces and marks between characters hide nothing, nor do other forms of a character.
    """
    folded, places = _folded(text)
    joined: list[_Match] = []
    for start, end, rule in sorted(_matches(folded, rules), key=lambda each: (each[0], -each[1])):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
        else:
            joined.append((start, end, rule))
    return [
        {
            "word": folded[start:end],
            "start": places[start],
            "end": places[end - 1] + 1,
            "reason": rule["reason"],
            "reasonZh": rule["reasonZh"],
        }
        for start, end, rule in joined
    ]


def _folded(text: str) -> tuple[str, list[int]]:
    """Return letters and digits in their plain form, with each one's place in the text."""
    kept = [
        (plain, place)
        for place, character in enumerate(text)
        for plain in unicodedata.normalize("NFKC", character).lower()
        if plain.isalnum() or plain == "%"
    ]
    return "".join(plain for plain, _ in kept), [place for _, place in kept]


def _matches(text: str, rules: Sequence[Rule]) -> Iterator[_Match]:
    for rule in rules:
        allowed = [span for word in rule["allowed"] for span in _places(text, word)]
        for word in rule["words"]:
            for start, end in _places(text, word):
                if not any(first <= start and end <= last for first, last in allowed):
                    yield start, end, rule


def _places(text: str, word: str) -> Iterator[tuple[int, int]]:
    start = text.find(word)
    while start >= 0:
        yield start, start + len(word)
        start = text.find(word, start + 1)
