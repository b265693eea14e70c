"""From the recogniser's columns to characters, by the greedy rule of CTC."""

from collections.abc import Sequence
from typing import NamedTuple

NONE = 0


class Glyph(NamedTuple):
    """One character that was read, how sure, and the column at which it was seen first."""

    character: str
    probability: float
    column: int


def glyphs_of(
    characters: Sequence[int], probabilities: Sequence[float], alphabet: Sequence[str]
) -> list[Glyph]:
    """Return what the columns say, from the left.

    Args:
        characters: The best character of each column; 0 is none, else a place in the alphabet,
            counted from 1. Neighbours that are equal are one character, seen twice.
        probabilities: Theirs, in the same order.
        alphabet: All characters.
    """
    before = [NONE, *characters]
    return [
        Glyph(alphabet[character - 1], probabilities[column], column)
        for column, character in enumerate(characters)
        if character not in (NONE, before[column])
    ]
