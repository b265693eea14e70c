"""What a start could not use, as data and as one error for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..errors import TrustError
from ..types import JsonValue


@dataclass(frozen=True, slots=True)
class Damage:
    """Records ``first`` to ``last`` of one object store that are left out.

    ``reason`` is ``seal-broken`` (changed, moved or sealed by another key), ``missing``,
    ``other-history`` (older or newer than its neighbours), ``unexpected`` (nobody wrote it there)
    or ``rolled-back``.
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
    first = damage[0]
    more = f" and {len(damage) - 1} more places" if len(damage) > 1 else ""
    return TrustError(
        "store-corrupt",
        f"store: expected every record as it was written, got {first.store} {first.first} to "
        f"{first.last} {first.reason}{more}. They are left out and moved aside, the rest is in "
        "use; find out who writes to this origin's storage.",
        {"ranges": [each.to_dict() for each in damage]},
    )


def key_lost(records: int, size_bytes: int) -> TrustError:
    """Return the error of a start whose root key is gone."""
    return TrustError(
        "key-lost",
        f"store: expected the key that sealed {records} records ({size_bytes} bytes), got none "
        "that opens them. They are lost and the store begins afresh; fetch again what a server "
        "has. Browsers lose keys when site data is cleared in part or a profile is damaged.",
        {"records": records, "bytes": size_bytes},
    )
