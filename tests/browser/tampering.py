"""Databases that somebody changes behind the runtime's back: the scene, the forger, the judge."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.pure import segment
from edge_runtime.pure.record import pack, unpack
from playwright.sync_api import Browser

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .databases import Change
from .edge_page import EdgePage
from .profile import ROWS, Found, Place, Profile, Saved
from .site import Task, write_site

FOREIGN_EVENT = ["foreign", 1_700_000_000_000, "mta", "M", "c", 0, {"n": 9_999}]
FOREIGN_VALUE = ["put", "ui.foreign", 9_999, 1_700_000_000_000, 0]
FOREIGN = segment.Operations([json.dumps([FOREIGN_EVENT])], [json.dumps(FOREIGN_VALUE)])


@dataclass
class Scene:
    """A profile, moments of it, and the same moment of another device's."""

    mine: Profile
    moments: dict[str, Saved]
    theirs: Saved

    @property
    def now(self) -> Saved:
        """What is there before anybody changes it."""
        return self.moments["now"]

    def place(self, store: str, index: int) -> Place:
        """Return a place by its number among those of its store."""
        return store, self.now.rows(store)[index]

    def behind(self, store: str) -> Place:
        """Return the place behind the last segment."""
        return store, segment.record_key(int(self.now.rows(store)[-1]) + 1)

    def data(self, place: Place, moment: str = "now") -> bytes:
        """Return a record."""
        return self.moments[moment].data(place)

    def start_on(self, changes: list[Change]) -> Found:
        """Start on changed databases; there may be nothing in them that was not put there."""
        self.mine.restore(self.now)
        self.mine.change(changes)
        return self.start()

    def start(self) -> Found:
        """Start on what is there."""
        try:
            found = self.mine.resume()
        finally:
            # Under a runtime that goes on, nothing can be put back for the next one.
            self.mine.freeze()
        assert found.events <= self.mine.events, found
        foreign = {
            key: text
            for key, text in found.values.items()
            if text not in self.mine.values.get(key, ())
        }
        assert foreign == {}, found
        return found

    def assert_the_rest_is_kept(self, found: Found, *places: Place) -> None:
        """Check that only what was in the places is gone, or older."""
        lost = {self.mine.where[place] for place in places if place in self.mine.where}
        latest = self.mine.latest()
        assert self.mine.events - lost <= found.events, found
        differing = {key for key, text in latest.items() if found.values.get(key) != text}
        assert differing <= lost, found


@contextmanager
def scene_in(browser: Browser, folder: Path) -> Iterator[Scene]:
    """Make two devices of one site."""
    site = write_site(folder / "site", tasks=[Task("Rows", "rows", ROWS)])
    config = json.loads((site / "config.json").read_text())
    with (
        BackgroundServer(create_app(site, DIST)) as server,
        browser.new_context() as own,
        browser.new_context() as other,
    ):
        mine, theirs = (
            Profile(EdgePage(each.new_page(), server.url).open("/stopped.html"), config, first)
            for each, first in ((own, 0), (other, 5_000))
        )
        yield Scene(mine, mine.fill(), theirs.fill()["now"])


def assert_told(found: Found, *places: Place) -> None:
    """Check that the start told of every place."""
    assert found.codes == ["store-corrupt"], found
    assert [place for place in places if not found.tells_of(place)] == [], found


def turned(data: bytes, chance: random.Random) -> bytes:
    """Return it with one bit turned."""
    offset, bit = chance.randrange(len(data)), chance.randrange(8)
    return data[:offset] + bytes([data[offset] ^ (1 << bit)]) + data[offset + 1 :]


def forged(scene: Scene, place: Place) -> Change:
    """Return a plain record with foreign content, as true to the others as one can be."""
    header = unpack("plain", scene.data(scene.place("plain", -1))).header
    seal = random.Random(0).randbytes(28)
    return *place, pack("plain", header, seal, segment.encode(FOREIGN))


def of_schema_1() -> Change:
    """Return a plain record as the schema before had them, without any seal."""
    text = json.dumps({"events": [FOREIGN_EVENT], "keys": [FOREIGN_VALUE]})
    return "plain", "1700000000000-00000000-00000001", b"EDP1" + segment.pack_piece(text.encode())
