"""What a shopper's visit left behind: runs, ranks, searches, photos, labels, requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One event and the run it triggered."""

    event: str
    result: Mapping[str, Any]
    category_rank: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """One photo and what came back; ``near`` is the category of the nearest product, if any is."""

    file: str
    expected: str
    label: str
    probability: float
    cost: str
    near: str = ""

    @property
    def is_right(self) -> bool:
        """Say whether the likeliest label is the expected one."""
        return self.label == self.expected


@dataclass(frozen=True, slots=True)
class CheckedLabel:
    """One sample label, how many of its lines were read, and the banned words on it."""

    sample: str
    lines: int
    banned: tuple[str, ...]
    expected: tuple[str, ...]
    cost: str


@dataclass(frozen=True, slots=True)
class Searched:
    """One query, the category it means, and the first product that came back; "" for none."""

    query: str
    expected: str
    category: str
    product: str
    cost: str


@dataclass(slots=True)
class Story:
    """What happened during one visit. Ranks are mean places in the feed, 1 is the top."""

    status: Mapping[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    photos: list[Recognised] = field(default_factory=list)
    labels: list[CheckedLabel] = field(default_factory=list)
    searches: list[Searched] = field(default_factory=list)
    screenshots: list[Path] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def rank_before(self) -> float:
        """Return the category's mean place before the first click."""
        return self.steps[0].category_rank

    @property
    def rank_after(self) -> float:
        """Return the category's mean place after the last step."""
        return self.steps[-1].category_rank
