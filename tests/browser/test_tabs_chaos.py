"""Ten tabs and fifty ends of the one that writes: nothing that was acknowledged is lost or torn."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest
from edge_runtime.pure.head import START, plain_images_from_bytes
from edge_runtime.pure.record import tag_of, unpack
from edge_runtime.pure.segment import ROUTES, Route, record_key
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .crowd import Crowd, Tab
from .site import Task, write_site

SEED = 1
TABS = 10
KILLS = 42
SLEEPS = 5
HEIRS_SLEEP = 3
EARLY, AT_ONCE, LATE = "early", "at once", "late"
MOMENTS = {EARLY: 4, AT_ONCE: 5, LATE: 2}
# Of a start, which takes about half a second; and around a checkpoint, a second after it.
EARLY_MS = (0.0, 500.0)
LATE_MS = (900.0, 1_300.0)
EVENTS = 100
COUNT = """
async def run(ctx, activation):
    return await ctx.query(
        "select props->>'first' as first, count(*) as n, count(distinct props->>'n') as different"
        " from events where page_id = 'M' group by 1"
    )
"""
GET_ALL = "(keys) => Promise.all(keys.map((key) => EdgeAI.get(key)))"

History = dict[Route, dict[int, bytes]]


class End(NamedTuple):
    """How and when the writer ends."""

    way: str
    moment: str


def plan(chance: random.Random) -> list[End]:
    ways = chance.choices(["close", "crash", "throw", "vanish"], k=KILLS)
    moments = chance.choices([*MOMENTS], [*MOMENTS.values()], k=KILLS)
    ends = [End(*each) for each in zip(ways, moments, strict=True)]
    ends += [End("sleep", AT_ONCE)] * SLEEPS + [End("heir sleeps", AT_ONCE)] * HEIRS_SLEEP
    chance.shuffle(ends)
    return ends


class Succession:
    """Who has the office of the writer, from one end to the next."""

    def __init__(self, crowd: Crowd, chance: random.Random) -> None:
        self._crowd = crowd
        self._chance = chance
        self._ended: list[str] = []
        self._since = 0
        self._elected_since = 0

    def writer(self) -> Tab:
        """Wait for the tab that says it writes now; none but those that have ended since may."""
        crowd = self._crowd
        names = [tab.name for tab in crowd.tabs if tab.name not in self._ended]
        script = "([since, names]) => untilRole(since, names, ['writer'])"
        place = crowd.watcher.evaluate(script, [self._since, names])
        crowd.listen()
        crowd.ask(crowd.present(), "act(first, key)")
        crowd.listen()
        name, said = crowd.told[place]["tab"], self._writers()
        assert said[-1] == name and len(set(said)) == len(said), (name, said)
        assert {*said[:-1]} <= {*self._ended}, (said, self._ended)
        self._since = self._elected_since = len(crowd.told)
        self._ended = []
        for tab in crowd.tabs:
            if not (tab.is_away or tab.client):
                tab.identify()
        return crowd.tab(name)

    def elected(self) -> Tab | None:
        """Wait for the next tab that gets the office; none if it cannot be told which it is."""
        watcher = self._crowd.watcher
        place = watcher.evaluate("(since) => untilElected(since)", self._elected_since)
        self._elected_since = place + 1
        found = self._in_turn(0)
        if found is not None:
            self._wait(EARLY_MS)
        return found

    def end(self, tab: Tab, end: End) -> None:
        if end.moment == LATE:
            self._wait(LATE_MS)
        self._ended.append(tab.name)
        heir = self._in_turn(1) if end.way == "heir sleeps" else None
        if heir is not None:
            self._put_to_sleep(heir, "follower")
            tab.close()
        elif end.way in {"sleep", "heir sleeps"}:
            self._put_to_sleep(tab, "writer")
        else:
            self._kill(tab, end.way)

    def _kill(self, tab: Tab, way: str) -> None:
        is_page = way in {"close", "crash"}
        # A page replaces its worker three times a minute.
        if not is_page and tab.ends >= 2:
            return tab.close()
        tab.since = len(self._crowd.told)
        getattr(tab, way)()
        if not is_page:
            # Only a page that waits for an answer finds out that its worker has vanished.
            self._crowd.ask(tab)

    def _put_to_sleep(self, tab: Tab, role: str) -> None:
        tab.since = len(self._crowd.told)
        tab.sleep(role)
        self._crowd.ask(tab)

    def _in_turn(self, place: int) -> Tab | None:
        clients = self._crowd.watcher.evaluate("() => inTurn()")
        here = (tab for tab in self._crowd.tabs if tab.client and not tab.is_away)
        return next((tab for tab in here if tab.client in clients[place : place + 1]), None)

    def _wait(self, range_ms: tuple[float, float]) -> None:
        self._crowd.watcher.evaluate("(ms) => later(ms)", self._chance.uniform(*range_ms))

    def _writers(self) -> list[str]:
        told = self._crowd.told[self._since :]
        return [each["tab"] for each in told if each.get("status", {}).get("role") == "writer"]


def check_data(crowd: Crowd, tab: Tab) -> None:
    """What was acknowledged before is there when asked now, once."""
    batches, kept = set(crowd.events), dict(crowd.kept)

    found = {row["first"]: (row["n"], row["different"]) for row in tab.edge.value("count")}
    assert {first: found.get(first) for first in batches} == dict.fromkeys(batches, (EVENTS,) * 2)
    assert all(n == different for n, different in found.values()), found

    values = tab.page.evaluate(GET_ALL, list(kept))
    for (key, least), value in zip(kept.items(), values, strict=True):
        assert value is not None and least <= value <= crowd.put[key], (key, least, value)

    statistics = tab.edge.call("statistics")["ok"]
    store = statistics["store"]
    assert (store["mode"], store["quarantined"], store["droppedEvents"]) == ("durable", [], 0)
    assert statistics["page"]["dropped"] == 0


def check_history(crowd: Crowd, history: History) -> None:
    """What is stored is one chain behind the older checkpoint, and the same as ever."""
    stored = crowd.watcher.evaluate("() => readStore()")
    assert stored["quarantine"] == {}
    checkpoints = plain_images_from_bytes(stored["meta"]["plain-images"].encode("latin-1"))
    for route in ROUTES:
        base = min((each.images[route].base for each in checkpoints), default=START)
        records = [text.encode("latin-1") for text in stored[route].values()]
        known = history.setdefault(route, {})
        assert tag_of(known.get(base.sequence, base.tag)) == base.tag
        previous_tag = base.tag
        numbers = range(base.sequence + 1, base.sequence + 1 + len(records))
        assert list(stored[route]) == [record_key(number) for number in numbers], route
        for number, record in zip(numbers, records, strict=True):
            assert known.setdefault(number, record) == record, (route, number)
            assert unpack(route, record).header.previous_tag == previous_tag, (route, number)
            previous_tag = tag_of(record)
        check_generations(route, known)


def check_generations(route: Route, records: dict[int, bytes]) -> None:
    """A writer that was followed by another has written nothing since."""
    generations = [unpack(route, record).header.version for _, record in sorted(records.items())]
    assert generations == sorted(generations), (route, generations)


@pytest.mark.timeout(600)
def test_ten_tabs_outlive_fifty_ends_of_the_writer(
    serve: Serve, tmp_path: Path, context: BrowserContext
) -> None:
    config = {"data": {"keys": [{"prefix": "ui.", "encrypted": False}]}}
    url = serve(write_site(tmp_path / "site", tasks=[Task("Count", "count", COUNT)], config=config))
    chance = random.Random(SEED)
    crowd = Crowd(context, url, TABS, chance)
    succession = Succession(crowd, chance)
    history: History = {}
    crowd.fill()

    for number, end in enumerate(plan(chance)):
        early = succession.elected() if end.moment == EARLY else None
        writer = early or succession.writer()
        if early is None:
            check_history(crowd, history)
        if early is None and number % 5 == 0:
            check_data(crowd, crowd.present())
        crowd.act(2)
        succession.end(writer, end)
        crowd.act(3)
        crowd.fill()

    succession.writer()
    crowd.settle()
    crowd.present().page.evaluate("() => untilCheckpoint()")
    check_history(crowd, history)
    for tab in crowd.tabs:
        check_data(crowd, tab)
    assert [tab.edge.failures for tab in crowd.everyone] == [[]] * len(crowd.everyone)
