"""Seals and opens records: a root key that nobody can export wraps the data keys that do the work.

A data key's uses are reserved in blocks, written down before they are used, so that a crash never
makes a key look fresher than it is.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ..errors import TrustError
from ..host.ports import Crypto
from ..pure.head import DataKey, Head, KeyLimits, from_bytes, to_bytes
from ..pure.record import NO_TAG, Header, Place, associated_data, pack, unpack
from ..pure.segment import Route
from .store_disk import DATABASE, META

ROOT: Final = "edge-root-2"
HEADS: Final = ("head", "head-copy")


class Vault:
    """One store's keys.

    Attributes:
        uses: How often the current data key was used, as far as anybody can know.
    """

    def __init__(self, crypto: Crypto, limits: KeyLimits) -> None:
        self._crypto = crypto
        self._limits = limits
        self._current = ""
        self._bound = 0
        self._claimed = 0
        self.uses = 0

    async def open_root(self, *, create: bool) -> bool:
        """Load the root key and return whether it is there.

        Raises:
            HostError: Keys cannot be kept here.
        """
        return await self._crypto.open_root(ROOT, create=create)

    async def load(self, keys: Iterable[DataKey]) -> list[str]:
        """Unwrap data keys; return the ids of those that do not open."""
        broken: list[str] = []
        for key in keys:
            try:
                bound = _wrapping(key.key_id)
                await self._crypto.load_key(key.key_id, ROOT, key.wrapped, bound)
            except TrustError:
                broken.append(key.key_id)
        return broken

    async def create(self, now_ms: float) -> DataKey:
        """Make a data key; it is used once a head that lists it is in storage."""
        key_id = f"k{self._crypto.random_bytes(6).hex()}"
        wrapped = await self._crypto.create_key(key_id, ROOT, _wrapping(key_id))
        return DataKey(key_id, now_ms, 0, wrapped)

    def use(self, head: Head) -> None:
        """Seal with the head's current key from now on; the head must be in storage."""
        if head.current.key_id != self._current:
            # Whoever has claimed a use of the former key makes it of this one.
            self._current, self.uses = head.current.key_id, self._claimed
        self._bound = head.current.uses_bound

    def resume(self, head: Head) -> Head:
        """Return the head of a new life: what was reserved before counts as used."""
        self._current, self.uses = head.current.key_id, head.current.uses_bound
        return head.with_reserved(self._limits, self.uses)

    def reserved(self, head: Head) -> Head:
        """Return the head with another block of uses."""
        return head.with_reserved(self._limits, self.uses)

    def claim(self, uses: int) -> bool:
        """Take so many of the reserved uses for what is sealed next; False if there are fewer."""
        if self.uses + uses > self._bound:
            return False
        self.uses += uses
        self._claimed += uses
        return True

    async def seal(
        self, route: Route, store: str, row: str, version: int, payload: bytes, previous_tag: bytes
    ) -> bytes:
        """Return the record of ``payload`` for its place: store, row and the row's version."""
        if not self._claimed:
            raise RuntimeError("vault: expected a claimed use of the key, got none")
        self._claimed -= 1
        place = Place(DATABASE, store, row, version)
        header = Header(self._current, version, previous_tag)
        if route == "sealed":
            bound = associated_data(place, header)
            body = await self._crypto.seal(header.key_id, payload, bound)
            return pack(route, header, body)
        bound = associated_data(place, header, payload)
        body = await self._crypto.seal(header.key_id, b"", bound)
        return pack(route, header, body, payload)

    async def unseal(
        self, route: Route, store: str, row: str, record: bytes, version: int | None = None
    ) -> tuple[Header, bytes]:
        """Return a record's header and payload.

        Args:
            route: Whether it is sealed or plain.
            store: Where it was found.
            row: Under which key.
            record: Its bytes.
            version: The row's version; None takes the record's word, which its seal confirms.

        Raises:
            TrustError: ``seal-broken``: it was not made for this place.
        """
        header, body, payload = unpack(route, record)
        if version is not None and header.version != version:
            got = f"expected version {version}, got {header.version}"
            raise TrustError("seal-broken", f"record {row}: {got}. It is left out.")
        bound = associated_data(Place(DATABASE, store, row, header.version), header, payload)
        opened = await self._crypto.unseal(header.key_id, body, bound)
        return header, opened if payload is None else payload

    async def seal_head(self, head: Head, row: str) -> bytes:
        """Return the record of a head, for one of its two rows."""
        place, header = _head_place(row, head.version)
        body = await self._crypto.seal(ROOT, to_bytes(head), associated_data(place, header))
        return pack("head", header, body)

    async def unseal_head(self, row: str, record: bytes) -> Head:
        """Return the head of a record.

        Raises:
            TrustError: ``seal-broken``.
        """
        header, body, _ = unpack("head", record)
        place, _ = _head_place(row, header.version)
        data = await self._crypto.unseal(ROOT, body, associated_data(place, header))
        return replace(from_bytes(data), version=header.version)

    async def seal_note(self, name: str, data: bytes) -> bytes:
        """Return what keeps ``data`` beside the root key."""
        return await self._crypto.seal(ROOT, data, _note_place(name))

    async def unseal_note(self, name: str, note: bytes) -> bytes:
        """Return what :meth:`seal_note` sealed.

        Raises:
            TrustError: ``seal-broken``.
        """
        return await self._crypto.unseal(ROOT, note, _note_place(name))


def _note_place(name: str) -> bytes:
    return associated_data(Place("edge-keys", "notes", name, 1), Header(ROOT, 1, NO_TAG))


def _wrapping(key_id: str) -> bytes:
    place = Place(DATABASE, "keys", key_id, 1)
    return associated_data(place, Header(ROOT, 1, NO_TAG))


def _head_place(row: str, version: int) -> tuple[Place, Header]:
    return Place(DATABASE, META, row, version), Header(ROOT, version, NO_TAG)
