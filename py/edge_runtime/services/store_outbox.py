"""Letters of pages that were left before their last events were stored.

A page's worker ends with its page, and in that moment a page can wait for nothing, not even for a
cipher. So it has paper ahead: a pad of random bytes for one use, and that pad sealed with the root
key. As it is left, it writes its events under the pad, beside the seal; the next page of the origin
brings the letter. Whoever lacks the root key reads nothing, and behind an erasure nobody has it.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

from ..errors import TrustError
from ..host.ports import Crypto
from ..pure.record import NO_TAG, Header, Place, associated_data
from .store_vault import ROOT

PAD_BYTES: Final = 2_048

# Takes a JSON array of event rows; they are of earlier than the given time, or not.
Take = Callable[[str, bool], None]

_BOUND: Final = associated_data(
    Place("localStorage", "edge-outbox", "pad", 1), Header(ROOT, 1, NO_TAG)
)


class Outbox:
    """Gives out paper, and opens letters; the store must have been started."""

    def __init__(self, crypto: Crypto) -> None:
        self._crypto = crypto

    async def paper(self) -> dict[str, bytes | str]:
        """Return ``pad`` and its ``seal`` (Base64) for one letter.

        Raises:
            HostError: Nothing can be kept here, or everything was just erased.
        """
        pad = self._crypto.random_bytes(PAD_BYTES)
        seal = await self._crypto.seal(ROOT, pad, _BOUND)
        return {"pad": pad, "seal": b64encode(seal).decode()}

    async def open(self, letters: str, since_ms: float, take: Take) -> None:
        """Hand on the events of letters, each a line: a seal, a space, hidden bytes as decimals.

        What does not open was sealed before an erasure, or written by another script: it is left
        out, as is a row that found no whole room under its pad.

        Args:
            letters: What lay in the page's ``localStorage``.
            since_ms: Unix time that parts old events from others.
            take: Takes each letter's old events, then the others.
        """
        for line in letters.splitlines():
            seal, _, hidden = line.partition(" ")
            try:
                pad = await self._crypto.unseal(ROOT, b64decode(seal, validate=True), _BOUND)
                bare = bytes(a ^ b for a, b in zip(_bytes(hidden), pad, strict=False))
            except (TrustError, ValueError):
                continue
            for is_old, rows in _parted(bare.decode(errors="replace").split("\n"), since_ms):
                take(f"[{','.join(rows)}]", is_old)


def _bytes(decimals: str) -> bytes:
    return bytes(int(each) for each in decimals.split(","))


def _parted(rows: list[str], since_ms: float) -> list[tuple[bool, list[str]]]:
    times = [(_time_ms(row), row) for row in rows]
    old = [row for ts, row in times if ts is not None and ts < since_ms]
    others = [row for ts, row in times if ts is not None and ts >= since_ms]
    return [(is_old, found) for is_old, found in ((True, old), (False, others)) if found]


def _time_ms(row: str) -> float | None:
    """Return the Unix time of a whole row."""
    try:
        _, ts, *_ = json.loads(row)
    except (TypeError, ValueError, RecursionError):
        return None
    return ts if isinstance(ts, int | float) else None
