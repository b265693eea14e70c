"""A profile whose store has some of everything, to be changed behind the runtime's back."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .databases import KEYS, STORE, Change, Databases, Records
from .edge_page import EdgePage

ROWS = """
async def run(ctx, activation):
    events = await ctx.query("select props->>'n' as n from events where page_id = 'M'")
    keys = await ctx.query("select key, value from keys")
    return {"events": [row["n"] for row in events], "keys": {r["key"]: r["value"] for r in keys}}
"""
SEALED = {"events": {"encrypted": True}, "keys": [{"prefix": "ui.", "encrypted": False}]}
OTHER_RULES = {**SEALED, "keys": []}
START = """(config) => {
  seen.status.length = 0;
  EdgeAI.start({ config, capture: false });
  EdgeAI.flush().catch(() => {});
  return untilStarted();
}"""
# As the browser does it to a page in the background: the runtime stops, its interpreter stays and
# boots the next one in a tenth of the time. Who gets the writer's lock knows that it has stopped.
FREEZE = """() => new Promise((stopped) => {
  document.dispatchEvent(new Event("freeze"));
  navigator.locks.request("edge-writer", () => {
    stopped();
    return new Promise((release) => { window.release = release; });
  });
})"""
RESUME = """() => {
  seen.status.length = 0;
  release();
  document.dispatchEvent(new Event("resume"));
  return Promise.race([
    until("status", { state: "ready", role: "writer" }),
    until("status", { state: "failed" }),
  ]);
}"""
TRACK = """(n) => {
  EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props: { n } });
  return settle(EdgeAI.flush());
}"""

Place = tuple[str, str]


class Found(NamedTuple):
    """What a start told, and what can be queried then.

    Attributes:
        codes: Of its problems.
        ranges: What it left out, as (store, first, last).
        events: Numbers of the events.
        values: JSON texts by key.
    """

    codes: list[str]
    ranges: list[tuple[str, str, str]]
    events: set[int]
    values: dict[str, str]

    def tells_of(self, place: Place) -> bool:
        """Say whether a place is in one of the ranges."""
        store, row = place
        return any(each == store and a <= row <= b for each, a, b in self.ranges)


@dataclass
class Saved:
    """Both databases at one moment; root keys stay in the profile."""

    store: Records
    notes: Records

    def rows(self, store: str) -> list[str]:
        """Return the keys of one object store, in order."""
        return sorted(self.store[store])

    def data(self, place: Place) -> bytes:
        """Return a record."""
        store, row = place
        return self.notes["notes"][row] if store == "notes" else self.store[store][row]


@dataclass
class Profile:
    """One page and what was put into its store.

    Attributes:
        first: Number of its first event; values begin with it, too.
        where: Places of what is in a segment of its own.
        values: Every JSON text that a key ever had.
    """

    edge: EdgePage
    config: dict[str, Any]
    first: int = 0
    where: dict[Place, int | str] = field(default_factory=dict)
    values: dict[str, set[str]] = field(default_factory=dict)
    count: int = 0

    @property
    def databases(self) -> Databases:
        """Its databases."""
        return Databases(self.edge.page)

    @property
    def events(self) -> set[int]:
        """Numbers of all its events."""
        return set(range(self.first, self.first + self.count))

    def start(self, data: dict[str, Any] = SEALED) -> Found:
        """Start the runtime and return what it tells."""
        return self._found(self.edge.page.evaluate(START, {**self.config, "data": data}))

    def stop(self) -> None:
        """Stop the runtime."""
        self.edge.call("stop")

    def freeze(self) -> None:
        """Have the browser stop the runtime; returns when it has let go of the databases."""
        self.edge.page.evaluate(FREEZE)

    def resume(self) -> Found:
        """Have it start again and return what it tells."""
        return self._found(self.edge.page.evaluate(RESUME))

    def _found(self, status: dict[str, Any]) -> Found:
        assert "problems" in status, status
        quarantined = self.edge.call("statistics")["ok"]["store"]["quarantined"]
        rows = self.edge.value("rows")
        return Found(
            [problem["code"] for problem in status["problems"]],
            [(each["store"], each["first"], each["last"]) for each in quarantined],
            set(rows["events"]),
            rows["keys"],
        )

    def track(self) -> None:
        """Put one more event into a segment of its own."""
        n = self.first + self.count
        self.count += 1
        self._note("sealed", n, lambda: self.edge.page.evaluate(TRACK, n))

    def put(self, key: str) -> None:
        """Put one more value into a segment of its own."""
        value = self.first + len(self.values.setdefault(key, set()))
        self.values[key].add(f"{value}")
        store = "plain" if key.startswith("ui.") else "sealed"
        self._note(store, key, lambda: self.edge.call("put", key, value))

    def fill(self) -> dict[str, Saved]:
        """Make checkpoints in both slots and segments behind them; return some moments.

        The page is frozen at the end.
        """
        self.start()
        for _ in range(3):
            self.track()
        for key in ("ui.a", "ui.b", "profile.a"):
            self.put(key)
        self.stop()
        moments = {"begin": self.save()}
        for name in ("middle", "checkpoints"):
            for data in (OTHER_RULES, SEALED):
                # Values that change their route make a checkpoint.
                assert self.start(data).codes == []
                self.stop()
            moments[name] = self.save()
        self.where.clear()
        self.start()
        for _ in range(4):
            self.track()
            for key in ("ui.a", "ui.c", "profile.b"):
                self.put(key)
        self.stop()
        # A start notes how far the log goes.
        assert self.start() == Found([], [], self.events, self.latest())
        self.freeze()
        return {**moments, "now": self.save()}

    def latest(self) -> dict[str, str]:
        """Return the latest value of each key."""
        return {key: max(texts, key=int) for key, texts in self.values.items()}

    def save(self) -> Saved:
        """Return both databases as they are."""
        return Saved(self.databases.read(STORE), self.databases.read(KEYS))

    def restore(self, saved: Saved) -> None:
        """Put both databases back."""
        self.databases.replace(saved.store, STORE)
        self.databases.replace(saved.notes, KEYS)

    def change(self, changes: list[Change]) -> None:
        """Change records; those of ``notes`` are in the keys' database."""
        for name, is_note in ((STORE, False), (KEYS, True)):
            own = [each for each in changes if (each[0] == "notes") is is_note]
            if own:
                self.databases.write(own, name)

    def _note(self, store: str, what: int | str, act: Any) -> None:
        before = set(self.databases.read(STORE)[store])
        answer = act()
        assert "ok" in answer, answer
        (row,) = set(self.databases.read(STORE)[store]) - before
        self.where[store, row] = what
