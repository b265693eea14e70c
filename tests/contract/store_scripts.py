"""What a store does, as scripts that may end anywhere, and what must be there afterwards.

Together the scripts go through all that writes: starts and takeovers, commits, puts, checkpoints,
another key, lost keys, lost answers, changed rules, the migration of schema 1, erasing. Needs
nothing but the core: unit tests end them on the fakes, browser tests by killing a worker.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge_runtime.config import DataConfig, EventsRule, KeyRule, Limits
from edge_runtime.errors import EdgeError, HostError
from edge_runtime.host.ports import Clock, Crypto, Storage
from edge_runtime.pure.head import KeyLimits
from edge_runtime.services.store import Store

DAY_MS = 86_400_000.0
START_MS = 1_700_000_000_000.0
SEALED = DataConfig(keys=(KeyRule("ui.", encrypted=False),))
PLAIN = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))
# Of tests/vectors/stores/schema-1.json.
OLD_EVENTS = 300
OLD_VALUES = {"profile.size": {"eu": 41}, "ui.theme": "dark", "gone": None}


class MovableClock(Clock, Protocol):
    """A clock that moves when told."""

    def set_now(self, now_ms: float) -> None:
        """Set the Unix time."""

    async def advance(self, duration_ms: float) -> None:
        """Move on, and let everyone run whose sleep ends."""


class Outside(Protocol):
    """The ports that a store needs."""

    @property
    def clock(self) -> MovableClock: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def crypto(self) -> Crypto: ...


@dataclass(frozen=True, slots=True)
class Size:
    """How much a script does: ``rounds`` of ``events``, in pieces and reserves of this size."""

    rounds: int
    events: int
    piece_bytes: int
    reserve_uses: int


@dataclass
class Told:
    """What a caller was told, and what it was in the middle of.

    Attributes:
        is_keyless: The keys were deleted, and nothing was acknowledged since.
    """

    events: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)
    trying: dict[str, Any] = field(default_factory=dict)
    is_erasing: bool = False
    is_keyless: bool = False


class Life:
    """A device: its workers one after the other, and what its page was told.

    Attributes:
        begin: Gives the ports of the device's next worker.
        data: Rules of the next start.
        store: The latest worker's.
        told: What was acknowledged.
    """

    def __init__(self, size: Size, begin: Callable[[], Outside]) -> None:
        self.size = size
        self.begin = begin
        self.data = SEALED
        self.told = Told()
        self.store: Store | None = None
        self._clock: MovableClock | None = None

    async def start(self) -> Store:
        """Start a store on what the one before left."""
        outside = self.begin()
        self._clock = outside.clock
        self.store = Store(
            outside.clock,
            outside.storage,
            outside.crypto,
            self.data,
            Limits(piece_bytes=self.size.piece_bytes),
            KeyLimits(max_age_ms=DAY_MS, reserve_uses=self.size.reserve_uses),
        )
        await self.store.start()
        return self.store

    async def stop(self) -> None:
        """Stop in good order."""
        await self._started().stop()

    async def add(self, *names: str) -> None:
        """Make events durable, in one segment."""
        rows = [[name, START_MS, "mta", "Home", "item", 0, {}] for name in names]
        self._started().add_batch(json.dumps(rows))
        await self._started().flush()
        self.told.events |= set(names)
        self.told.is_keyless = False

    async def put(self, key: str, value: Any) -> None:
        """Put a value."""
        self.told.trying = {key: value}
        await self._started().put(key, value)
        self.told.values[key] = value
        self.told.is_keyless = False

    async def delete(self, key: str) -> None:
        """Delete a value."""
        self.told.trying = {key: None}
        await self._started().delete(key)
        self.told.values[key] = None

    async def erase(self) -> None:
        """Erase everything."""
        self.told.is_erasing = True
        await self._started().erase()
        self.told = Told()

    async def lose_keys(self) -> None:
        """Have another tab delete the keys; the store is not told."""
        self.told.is_keyless = True
        await self.begin().crypto.erase()

    async def checkpoint(self) -> None:
        """Make a checkpoint now, as the keeper does when one is due."""
        store = self._started()
        await store._writer.opened().checkpoints.write(store._tables, keep_spare=True)

    async def let_days_pass(self, days: float) -> None:
        """Return when the keeper has seen to what is due by then."""
        assert self._clock is not None
        self._clock.set_now(self._clock.now_ms() + days * DAY_MS)
        await self._clock.advance(2_000)
        async with self._started()._keeper.turn:
            pass

    def _started(self) -> Store:
        assert self.store is not None
        return self.store


Script = Callable[[Life], Awaitable[None]]


async def commits(life: Life) -> None:
    await life.start()
    await life.add("a", "b")
    await life.put("profile.a", 1)
    await life.put("ui.b", 2)
    await life.put("profile.a", 3)
    await life.delete("ui.b")
    await life.add("c")


async def checkpoints(life: Life) -> None:
    await life.start()
    for number in range(life.size.rounds):
        await life.add(*(f"{number}-{n:03}" for n in range(life.size.events)))
        await life.put("ui.n", number)
        await life.checkpoint()
        await life.put("profile.n", number)
    await life.add("last")


async def rotation(life: Life) -> None:
    await life.start()
    await life.add("a")
    await life.put("ui.n", 1)
    await life.let_days_pass(2)
    await life.put("profile.n", 2)
    await life.add("b")


async def changed_rules(life: Life) -> None:
    life.data = PLAIN
    await life.start()
    await life.add("a", "b")
    await life.put("ui.n", 1)
    await life.checkpoint()
    await life.add("c")
    await life.stop()
    life.data = SEALED
    await life.start()
    await life.put("ui.n", 2)
    await life.add("d")


async def takeovers(life: Life) -> None:
    for number in range(life.size.rounds):
        await life.start()
        await life.add(f"{number}")
        await life.put("profile.n", number)
        if number % 2:
            await life.stop()


async def erasing(life: Life) -> None:
    await life.start()
    await life.add("a")
    await life.put("profile.n", 1)
    await life.erase()
    await life.add("b")
    await life.put("profile.n", 2)


async def lost_keys(life: Life) -> None:
    await life.start()
    await insist(life.add, "a")
    await insist(life.put, "profile.n", 1)
    await insist(life.checkpoint)
    await insist(life.put, "ui.n", 1)
    await life.lose_keys()
    await insist(life.add, "b")
    await insist(life.put, "profile.n", 2)


async def doubts(life: Life) -> None:
    """Who is told of a failure asks again, though it may have been done."""
    await life.start()
    await insist(life.add, "a", "b")
    await insist(life.put, "ui.n", 1)
    await insist(life.checkpoint)
    await insist(life.put, "profile.n", 1)
    # Another key, and everything sealed anew: nothing of the head before is left.
    await life.let_days_pass(2)
    # As many as need another head, with what is written down as used.
    for number in range(life.size.reserve_uses // 2):
        await insist(life.add, f"{number}")


async def insist(act: Callable[..., Awaitable[None]], *args: Any) -> None:
    """Do it, and once more if it fails."""
    try:
        await act(*args)
    except HostError:
        await act(*args)


async def migration(life: Life) -> None:
    """Needs a device with a database of schema 1, and a Crypto that opens it."""
    life.told.events = {f"event-{n:04}" for n in range(OLD_EVENTS)}
    life.told.values = dict(OLD_VALUES)
    await life.start()
    await life.add("new")
    await life.put("ui.theme", "light")


SCRIPTS: tuple[Script, ...] = (
    *(commits, checkpoints, rotation, changed_rules, takeovers, erasing),
    *(lost_keys, doubts),
)


async def look(life: Life, where: str, *, is_whole: bool = False) -> None:
    """Start again on what is there, compare, and go on with it; whole: nothing was cut off."""
    try:
        store = await life.start()
        assert not is_whole or {*ids(store)} == life.told.events, where
        _check_problems(store, life.told, where)
        _compare(store, life.told, where)
        told, life.told = life.told, Told()
        await life.add("afterwards")
        await life.put("afterwards", 1)
        await life.stop()
        store = await life.start()
        assert store.problems == [], (where, store.problems)
        assert "afterwards" in ids(store) and store.get("afterwards") == 1, where
        _compare(store, told, where)
        await life.stop()
    except EdgeError as error:
        raise AssertionError(f"{where}: {error.code}: {error}") from error


def _check_problems(store: Store, told: Told, where: str) -> None:
    """Take back what the store says that it has lost; only with the keys may it lose anything."""
    codes = [problem.code for problem in store.problems]
    quarantined = {each["store"] for each in store.statistics()["quarantined"]}
    if not told.is_keyless or not codes:
        assert codes == [], (where, store.problems)
    elif codes == ["key-lost"]:
        told.events = set()
        told.values = {key: value for key, value in told.values.items() if key.startswith("ui.")}
    else:
        assert codes == ["store-corrupt"], (where, store.problems)
        # The anchor goes with the keys. The rest does if there is a new head and no checkpoint yet.
        if quarantined != {"notes"}:
            assert quarantined >= {"notes", "meta"}, (where, quarantined)
            told.events, told.values = set(), {}


def _compare(store: Store, told: Told, where: str) -> None:
    found = {*ids(store)}
    values = {key: store.get(key) for key in told.values}
    if told.is_erasing and not found & told.events:
        assert not any(values.values()), (where, values)
        return
    assert told.events <= found, (where, sorted(told.events - found))
    for key, value in told.values.items():
        assert values[key] in (value, told.trying.get(key, value)), (where, key, values[key])


def ids(store: Store) -> list[str]:
    """Return the ids that are there, in order."""
    return [row["id"] for row in store.query("select id from events order by ts, id")]
