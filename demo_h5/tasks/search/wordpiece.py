"""BERT's uncased WordPiece tokenizer: text to the token numbers that the sentence model takes.

Devlin et al., "BERT", NAACL 2019. Gives the numbers of the `tokenizers` library, but for characters
that are newer than the library's Unicode tables, and for ``[SEP]`` and the like in a text: who
types them gets brackets and letters, never a control token.
"""

import unicodedata
from collections.abc import Iterator, Sequence

UNKNOWN = "[UNK]"
START = "[CLS]"
END = "[SEP]"
CONTINUED = "##"
MAX_WORD_CHARS = 100
MAX_TOKENS = 128

# Control, format, private use and lone halves of a pair; unassigned characters stay.
REMOVED = frozenset({"Cc", "Cf", "Co", "Cs"})
REPLACEMENT = "\ufffd"
ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
# Scripts without spaces: each character is a word. Kana and Hangul are not among them.
IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Splits words into the longest pieces that the vocabulary has.

    Args:
        vocabulary: Tokens in the order of their numbers; ``##`` marks pieces inside a word.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._numbers = {token: number for number, token in enumerate(vocabulary)}

    def encode(self, text: str, max_tokens: int = MAX_TOKENS) -> list[int]:
        """Return at most ``max_tokens`` numbers, ``[CLS]`` first and ``[SEP]`` last."""
        pieces = [piece for word in words(text) for piece in self._pieces(word)]
        return [
            self._numbers[START],
            *(self._numbers[piece] for piece in pieces[: max_tokens - 2]),
            self._numbers[END],
        ]

    def _pieces(self, word: str) -> list[str]:
        if len(word) > MAX_WORD_CHARS:
            return [UNKNOWN]
        pieces: list[str] = []
        start = 0
        while start < len(word):
            piece = self._longest(word, start)
            if piece is None:
                return [UNKNOWN]
            pieces.append(piece)
            start += len(piece) - (len(CONTINUED) if start else 0)
        return pieces

    def _longest(self, word: str, start: int) -> str | None:
        prefix = CONTINUED if start else ""
        for end in range(len(word), start, -1):
            if prefix + word[start:end] in self._numbers:
                return prefix + word[start:end]
        return None


def words(text: str) -> list[str]:
    """Return the text's words in lower case without accents; punctuation marks are words."""
    spaced = "".join(map(_cleaned, text))
    # Case is changed one character at a time: Σ at the end of a word is no exception here.
    plain = "".join(
        char.lower()
        for char in unicodedata.normalize("NFD", spaced)
        if unicodedata.category(char) != "Mn"
    )
    return [word for chunk in plain.split() for word in _split(chunk)]


def _cleaned(char: str) -> str:
    """Return a character, a space for white space, nothing for what is not shown."""
    if char in "\t\n\r":
        return " "
    if char == REPLACEMENT or unicodedata.category(char) in REMOVED:
        return ""
    if any(first <= ord(char) <= last for first, last in IDEOGRAPHS):
        return f" {char} "
    return char


def _split(chunk: str) -> Iterator[str]:
    """Yield punctuation marks on their own and what stands between them."""
    start = 0
    for place, char in enumerate(chunk):
        if char in ASCII_PUNCTUATION or unicodedata.category(char).startswith("P"):
            if start < place:
                yield chunk[start:place]
            yield char
            start = place + 1
    if start < len(chunk):
        yield chunk[start:]
