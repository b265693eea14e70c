"""An origin's databases as its scripts can read and change them, and what a browser can do."""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from edge_runtime.pure.segment import zstd
from playwright.sync_api import Page

Records = dict[str, dict[str, bytes]]
Change = tuple[str, str, bytes | None]

STORE, KEYS = "edge-store", "edge-keys"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Databases:
    """The databases of a page's origin, through ``assets/databases.js``."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def open(self, url: str) -> "Databases":
        """Open a page of the origin."""
        self._page.goto(url)
        return self

    def _call(self, method: str, *arguments: Any) -> Any:
        if not self._page.evaluate("() => 'databases' in window"):
            self._page.add_script_tag(url="/databases.js")
        return self._page.evaluate(
            "([method, args]) => databases[method](...args)", [method, list(arguments)]
        )

    def plant_old(self, old: dict[str, Any]) -> None:
        """Make the databases of schema 1, see ``assets/old-store.js``."""
        self._page.add_script_tag(url="/old-store.js")
        self._page.evaluate("(old) => plantOldStore(old)", old)

    def read(self, name: str = STORE) -> Records:
        """Return all records that are bytes, by store and key."""
        return _decoded(self._call("read", name))

    def read_held(self, name: str = STORE) -> Records:
        """Do the same through the connection that :meth:`hold` opened."""
        return _decoded(self._call("readHeld", name))

    def write(self, changes: Iterable[Change], name: str = STORE) -> None:
        """Put records, and delete those without data."""
        plain = [
            [store, key, None if data is None else base64.b64encode(data).decode()]
            for store, key, data in changes
        ]
        self._call("write", name, plain)

    def replace(self, records: Records, name: str = STORE) -> None:
        """Have exactly these records; keys that nobody can export stay where they are."""
        gone = ((store, key, None) for store, rows in self.read(name).items() for key in rows)
        new = ((store, key, data) for store, rows in records.items() for key, data in rows.items())
        self.write([*gone, *new], name)

    def drop(self, name: str) -> None:
        """Delete a database."""
        self._call("drop", name)

    def names(self) -> list[str]:
        """Return the names of all databases."""
        found: list[str] = self._page.evaluate(
            "async () => (await indexedDB.databases()).map(({ name }) => name)"
        )
        return found

    def key_names(self) -> list[str]:
        """Return the names of all root keys."""
        found: list[str] = self._call("keysOf", KEYS, "keys")
        return found

    def hold(self) -> None:
        """Keep connections to both and close them for nobody."""
        self._call("hold", [STORE, KEYS])

    def release(self) -> None:
        """Close what :meth:`hold` opened."""
        self._call("release")

    def occupy(self, name: str = STORE) -> None:
        """Hold a database in the middle of a transaction that everybody else has to wait for."""
        self._call("occupy", name)

    def vacate(self) -> None:
        """End what :meth:`occupy` began."""
        self._call("vacate")


def shows(records: Records, marker: str) -> list[str]:
    """Return where a text can be read: in a record as it is, or in a zstd frame inside it."""
    text = marker.encode()
    return [
        f"{store}/{key}"
        for store, rows in records.items()
        for key, data in rows.items()
        if text in key.encode() or any(text in each for each in (data, *_unpacked(data)))
    ]


def _unpacked(data: bytes) -> Iterator[bytes]:
    for part in data.split(_ZSTD_MAGIC)[1:]:
        try:
            yield zstd.ZstdDecompressor().decompress(_ZSTD_MAGIC + part)
        except zstd.ZstdError:
            continue


def _decoded(found: dict[str, dict[str, str]]) -> Records:
    return {
        store: {key: base64.b64decode(text) for key, text in records.items()}
        for store, records in found.items()
    }


class OriginStorage:
    """What a browser does to an origin's storage from outside."""

    def __init__(self, page: Page, url: str) -> None:
        self._session = page.context.new_cdp_session(page)
        # The protocol knows an origin by its URL, slash included.
        self._origin = {"origin": f"{url}/"}

    def limit(self, quota_bytes: int) -> None:
        """Set a quota; a database that is open already keeps the room it was promised."""
        quota = {**self._origin, "quotaSize": quota_bytes}
        self._session.send("Storage.overrideQuotaForOrigin", quota)
        assert self._session.send("Storage.getUsageAndQuota", self._origin)["overrideActive"]

    def lift(self) -> None:
        """Take the quota back."""
        self._session.send("Storage.overrideQuotaForOrigin", self._origin)

    def clear(self) -> None:
        """Delete the databases as a user can while the page is open; connections are cut."""
        kinds = {"storageTypes": "indexeddb"}
        self._session.send("Storage.clearDataForOrigin", {**self._origin, **kinds})
