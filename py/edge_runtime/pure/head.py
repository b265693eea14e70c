"""The store's head: which data keys there are, and which checkpoint holds the past.

One sealed record, replaced in one transaction with what it is about: a crash leaves the old state
or the new one. Its version only grows.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from .chain import Base
from .plain import check_levels
from .record import NO_TAG
from .segment import ROUTES, Route

Slot = Literal["a", "b"]
SLOTS: Final[tuple[Slot, Slot]] = ("a", "b")

DAY_MS: Final = 86_400_000.0
START: Final = Base(0, NO_TAG)


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """When a data key is replaced, and how many uses are reserved in one write.

    NIST SP 800-38D allows 2**32 messages under random 96-bit IVs; half of that is kept in reserve.
    """

    max_uses: int = 2**31
    max_age_ms: float = 90 * DAY_MS
    reserve_uses: int = 10_000


KEY_LIMITS: Final = KeyLimits()


@dataclass(frozen=True, slots=True)
class DataKey:
    """A wrapped data key; never used more than ``uses_bound`` times before that grows."""

    key_id: str
    created_ms: float
    uses_bound: int
    wrapped: bytes

    def is_worn(self, limits: KeyLimits, now_ms: float) -> bool:
        """Say whether it is time for another key; a clock that was set back wears nothing."""
        return self.uses_bound >= limits.max_uses or now_ms - self.created_ms > limits.max_age_ms


@dataclass(frozen=True, slots=True)
class Image:
    """One route's part of a checkpoint.

    Attributes:
        base: The last segment it holds.
        pieces: How many records it is stored in; 0 where there was nothing to store.
        last_tag: Tag of the last of them, which binds all of them.
        key_id: The data key they are sealed with.
        size_bytes: Of all pieces together.
        rows: Events and keys in it.
    """

    base: Base = START
    pieces: int = 0
    last_tag: bytes = NO_TAG
    key_id: str = ""
    size_bytes: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An image of each route, in one of two slots."""

    slot: Slot
    version: int
    created_ms: float
    images: Mapping[Route, Image]

    @property
    def size_bytes(self) -> int:
        """Bytes in storage."""
        return sum(image.size_bytes for image in self.images.values())


def no_checkpoint(slot: Slot) -> Checkpoint:
    """Return the checkpoint that holds nothing: everything is in the segments behind it."""
    return Checkpoint(slot, 0, 0.0, {route: Image() for route in ROUTES})


def other_slot(checkpoint: Checkpoint | None) -> Slot:
    """Return the slot in which ``checkpoint`` is not."""
    return "b" if checkpoint is not None and checkpoint.slot == "a" else "a"


def piece_key(slot: Slot, route: Route, index: int) -> str:
    """Return the key of one piece of an image.

    >>> piece_key("a", "sealed", 3)
    'a-sealed-00003'
    """
    return f"{slot}-{route}-{index:05d}"


def piece_keys(checkpoint: Checkpoint) -> list[str]:
    """Return the keys of all pieces of a checkpoint."""
    return [
        piece_key(checkpoint.slot, route, index)
        for route, image in checkpoint.images.items()
        for index in range(image.pieces)
    ]


@dataclass(frozen=True, slots=True)
class Head:
    """Everything needed to open the rest. The last of ``keys`` seals what is new.

    ``spare`` is the checkpoint before, kept with the segments behind it in case a piece of the
    newer one does not open.
    """

    version: int
    generation: int
    keys: tuple[DataKey, ...] = ()
    checkpoint: Checkpoint | None = None
    spare: Checkpoint | None = None

    @property
    def current(self) -> DataKey:
        """The key that seals what is new."""
        return self.keys[-1]

    def base(self, route: Route) -> Base:
        """Return the last segment that the checkpoint holds."""
        return base_of(self.checkpoint, route)

    def with_reserved(self, limits: KeyLimits, used: int) -> "Head":
        """Return it with room for further uses of the current key beyond ``used``."""
        bound = max(self.current.uses_bound, used) + limits.reserve_uses
        return replace(self, keys=(*self.keys[:-1], replace(self.current, uses_bound=bound)))

    def with_keys(self, needed: Iterable[str]) -> "Head":
        """Return it without the keys that nothing needs; the current one stays."""
        ids = {*needed, self.current.key_id}
        return replace(self, keys=tuple(key for key in self.keys if key.key_id in ids))


def base_of(checkpoint: Checkpoint | None, route: Route) -> Base:
    """Return the last segment of ``route`` that a checkpoint holds."""
    return START if checkpoint is None else checkpoint.images[route].base


def to_bytes(head: Head) -> bytes:
    """Return the head as JSON."""
    plain = {
        "version": head.version,
        "generation": head.generation,
        "keys": [
            [key.key_id, key.created_ms, key.uses_bound, _text(key.wrapped)] for key in head.keys
        ],
        "checkpoint": _plain(head.checkpoint),
        "spare": _plain(head.spare),
    }
    return json.dumps(plain, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> Head:
    """Return the head that :func:`to_bytes` wrote.

    Raises:
        ValueError, LookupError, TypeError: It is none.
    """
    plain = json.loads(data)
    keys = (DataKey(each[0], each[1], each[2], _bytes(each[3])) for each in plain["keys"])
    return Head(
        version=plain["version"],
        generation=plain["generation"],
        keys=tuple(keys),
        checkpoint=_checkpoint(plain["checkpoint"]),
        spare=_checkpoint(plain["spare"]),
    )


def plain_images_to_bytes(head: Head) -> bytes:
    """Return what a start without the root key needs to find the plain data again."""
    found = [_plain(each) for each in (head.checkpoint, head.spare) if each is not None]
    return json.dumps(found, separators=(",", ":")).encode()


def plain_images_from_bytes(data: bytes) -> list[Checkpoint]:
    """Return the checkpoints that :func:`plain_images_to_bytes` wrote.

    Raises:
        ValueError, LookupError, TypeError: It wrote nothing like this.
    """
    text = data.decode()
    # No seal has vouched for it yet.
    check_levels(text)
    return [checkpoint for each in json.loads(text) if (checkpoint := _checkpoint(each))]


def _plain(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {
        "slot": checkpoint.slot,
        "version": checkpoint.version,
        "createdMs": checkpoint.created_ms,
        "images": {route: _image_row(image) for route, image in checkpoint.images.items()},
    }


def _image_row(image: Image) -> list[Any]:
    base, last = image.base, image.last_tag
    row = [base.sequence, _text(base.tag), image.pieces, _text(last), image.key_id]
    return [*row, image.size_bytes, image.rows]


def _checkpoint(plain: Mapping[str, Any] | None) -> Checkpoint | None:
    if plain is None:
        return None
    images: dict[Route, Image] = {}
    for route in ROUTES:
        sequence, tag, pieces, last, key_id, size_bytes, rows = plain["images"][route]
        base = Base(sequence, _bytes(tag))
        images[route] = Image(base, pieces, _bytes(last), key_id, size_bytes, rows)
    slot: Slot = "b" if plain["slot"] == "b" else "a"
    return Checkpoint(slot, plain["version"], plain["createdMs"], images)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
