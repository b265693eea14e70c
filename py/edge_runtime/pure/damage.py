"""What a start could not use, as data and as one error for the page; and what never should be."""

import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from ..errors import HostError, TrustError
from ..types import JsonValue

WHOLE: Final = "edge-store"
_FOUND_INSTEAD: Final = {"rolled-back": "an older state of it", "missing": "none"}


@dataclass(frozen=True, slots=True)
class Damage:
    """Records ``first`` to ``last`` of one object store that are left out.

    ``reason`` is ``seal-broken`` (changed, moved or sealed by another key), ``missing``,
    ``other-history`` (older or newer than its neighbours), ``unexpected`` (nobody wrote it there)
    or ``rolled-back``. Where ``store`` is :data:`WHOLE` the database as a whole is not used.
    """

    store: str
    first: str
    last: str
    reason: str

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the plain form that statistics and errors carry."""
        return asdict(self)


def corrupt(damage: Sequence[Damage]) -> TrustError:
    """Return the error that lists all of it; ``damage`` must not be empty."""
    whole = next((each for each in damage if each.store == WHOLE), None)
    text = _of_places(damage) if whole is None else _of_whole(whole)
    details = {"ranges": [each.to_dict() for each in damage]}
    return TrustError(
        "store-corrupt", f"store: {text}; find out who writes to this origin's storage.", details
    )


def _of_places(damage: Sequence[Damage]) -> str:
    first = damage[0]
    more = f" and {len(damage) - 1} more places" if len(damage) > 1 else ""
    # What is plain would stay readable there; what is missing cannot be moved.
    is_aside = any(each.store == "sealed" and each.reason != "missing" for each in damage)
    aside = "; sealed segments among them are moved aside" if is_aside else ""
    return (
        f"expected every record as it was written, got {first.store} {first.first} to "
        f"{first.last} {first.reason}{more}. They are left out, the rest is in use{aside}"
    )


def _of_whole(whole: Damage) -> str:
    return (
        f"expected the database as it was last written, got {_FOUND_INSTEAD[whole.reason]}. All "
        "that was there is deleted and the store begins afresh: fetch again what a server has"
    )


def key_lost(
    records: int, size_bytes: int, *, plain_records: int = 0, dropped_rows: int = 0
) -> TrustError:
    """Return the error of a start for which no key opens what was sealed.

    Args:
        records: How many are lost.
        size_bytes: Of all of them.
        plain_records: How many of them were plain.
        dropped_rows: Rows of other plain records that went because the rules want them sealed.
    """
    plain = f" {plain_records} of them are plain, and nothing vouches for them." * bool(
        plain_records
    )
    dropped = f" {dropped_rows} plain rows that the rules want sealed are dropped, too." * bool(
        dropped_rows
    )
    return TrustError(
        "key-lost",
        f"store: expected the key that sealed {records} records ({size_bytes} bytes), got none "
        f"that opens them.{plain} They are lost and the store begins afresh; fetch again what a "
        f"server has.{dropped} Browsers lose keys when site data is cleared in part or a profile "
        "is damaged.",
        {
            "records": records,
            "bytes": size_bytes,
            "plainRecords": plain_records,
            "droppedRows": dropped_rows,
        },
    )


def defect(part: str, error: Exception) -> HostError:
    """Return the error for an exception nobody foresaw; its text is the same each time."""
    if isinstance(error, MemoryError):
        text = "expected memory, got none. Lower maxRows or maxBytes"
    else:
        text = (
            f"expected no exception, got {type(error).__name__}. This is a defect of the runtime: "
            "report it with details.traceback"
        )
    trace = "".join(traceback.format_exception(error))
    return HostError(
        "storage-failed", f"{part}: {text}; it is tried again by itself.", {"traceback": trace}
    )
