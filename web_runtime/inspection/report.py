"""What a look found, as data; counts and names of records, never what is in them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from edge_runtime.pure.damage import Damage

from .images import ImageLook
from .logs import LogLook
from .meta import MetaLook

_PART: Final = re.compile("_([a-z])")


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows there are."""

    events: int
    keys: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """The records of one object store; the sizes of a single one are None without any."""

    records: int
    bytes: int
    smallest_bytes: int | None
    largest_bytes: int | None
    other: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the key opened.

    Attributes:
        is_proven: The head opened and the log was replayed: every seal was checked.
        head_version: As it was found; None if no head opened.
        data_keys: When each was made, Unix ms, by id.
        tail: The last segment ever written, by route.
        checkpoint_ms: When it was made; None without one.
        rows: Events and keys by route, as they are stored.
        problems: Codes of what a start on this dump would tell its page.
    """

    is_proven: bool
    head_version: int | None
    data_keys: Mapping[str, float]
    tail: Mapping[str, int]
    checkpoint_ms: float | None
    rows: Mapping[str, Rows]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to say.

    Attributes:
        plain: Rows that need no key to be read; nobody has proven them without one.
        opened: None if no key was given.
        damage: Whatever is not as it was written.
    """

    source: str
    taken_ms: float | None
    root_keys: tuple[str, ...]
    stores: Mapping[str, Sizes]
    meta: MetaLook
    logs: Mapping[str, LogLook]
    images: list[ImageLook]
    plain: Rows
    opened: Opened | None
    damage: list[Damage]

    @property
    def is_sound(self) -> bool:
        """Whether no damage was found; without the key little of what is sealed can be seen."""
        return not self.damage

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        fields = asdict(self, dict_factory=_camel)
        # The pieces they name tell of the pointers.
        del fields["meta"]["checkpoints"]
        return {**fields, "isSound": self.is_sound}


def sizes_of(records: Mapping[str, bytes], other: Mapping[str, int]) -> Sizes:
    """Measure the records of one store."""
    sizes = [len(record) for record in records.values()]
    return Sizes(
        len(sizes), sum(sizes), min(sizes, default=None), max(sizes, default=None), dict(other)
    )


def _camel(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {_PART.sub(lambda part: part[1].upper(), name): value for name, value in fields}
