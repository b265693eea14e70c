"""From the detector's map to the boxes of lines of text, in reading order.

A map is ``side * side`` bytes, row by row; a byte is the probability of text there, times 255.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TEXT_FROM = 77
MEAN_FROM = 128
THINNEST_PX = 3
# The detector marks the core of a line; its characters reach beyond it by this measure.
GROWTH = 1.8
_MARKS = bytes(value >= TEXT_FROM for value in range(256))
_RUN = re.compile(rb"\x01+")


@dataclass(slots=True)
class Box:
    """Pixels of the map from (left, top) up to, not including, (right, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Return pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Return pixels from top to bottom."""
        return self.bottom - self.top


@dataclass(slots=True)
class _Blob:
    """Touching marked pixels: their box, how many and the sum of their bytes."""

    box: Box
    count: int
    total: int
    joined: "_Blob | None" = None

    def root(self) -> "_Blob":
        blob = self
        while blob.joined is not None:
            blob = blob.joined
        return blob

    def add(self, other: "_Blob") -> None:
        mine, its = self.box, other.box
        mine.left, mine.right = min(mine.left, its.left), max(mine.right, its.right)
        mine.top, mine.bottom = min(mine.top, its.top), max(mine.bottom, its.bottom)
        self.count += other.count
        self.total += other.total
        other.joined = self


def boxes_of(text: bytes, side: int) -> list[Box]:
    """Return the box of each line of text, grown to hold its characters, in reading order."""
    found = [
        _grown(blob.box, side)
        for blob in _blobs(text, side)
        if min(blob.box.width, blob.box.height) >= THINNEST_PX
        and blob.total >= MEAN_FROM * blob.count
    ]
    return in_reading_order(found)


def in_reading_order(boxes: list[Box]) -> list[Box]:
    """Return rows from the top, each from the left; what overlaps by half its height is a row."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda one: one.top + one.bottom):
        if rows and _shares_row(rows[-1][0], box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda one: one.left)]


def _shares_row(first: Box, second: Box) -> bool:
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    return 2 * shared > min(first.height, second.height)


def _grown(box: Box, side: int) -> Box:
    margin = round(box.width * box.height * GROWTH / (2 * (box.width + box.height)))
    return Box(
        max(0, box.left - margin),
        max(0, box.top - margin),
        min(side, box.right + margin),
        min(side, box.bottom + margin),
    )


def _blobs(text: bytes, side: int) -> Iterator[_Blob]:
    """Join the runs of marked pixels of each row with those of the row above that they touch."""
    marks = text.translate(_MARKS)
    blobs: list[_Blob] = []
    above: list[tuple[int, int, _Blob]] = []
    for top in range(side):
        row = []
        for run in _RUN.finditer(marks, top * side, (top + 1) * side):
            start, end = run.span()
            left, right = start - top * side, end - top * side
            blob = _Blob(Box(left, top, right, top + 1), end - start, sum(text[start:end]))
            for other_left, other_right, other in above:
                if other_left <= right and left <= other_right and blob.root() is not other.root():
                    other.root().add(blob.root())
            blobs.append(blob)
            row.append((left, right, blob))
        above = row
    return (blob for blob in blobs if blob.joined is None)
