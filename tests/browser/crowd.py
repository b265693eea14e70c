"""A crowd of tabs of one origin, and a page that outlives them and knows what they were told."""

import random
from contextlib import suppress
from typing import Any

from playwright.sync_api import BrowserContext, Error

from .edge_page import EdgePage
from .site import ASSETS
from .workers import worker_of

# A lock is held by a client: by this one the worker is known among those that wait for the office.
CLIENT = """() => navigator.locks.request(crypto.randomUUID(), async ({ name }) => {
  const { held } = await navigator.locks.query();
  return held.find((lock) => lock.name === name).clientId;
})"""
THROW = "() => void setTimeout(() => { throw new Error('boom') })"
VANISH = "() => self.close()"
# The thread sleeps with everything in it, as in a browser that froze it.
SLEEP = """(ms) => void setTimeout(() => {
  const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  Atomics.wait(new Int32Array(buffer), 0, 0, ms);
})"""
# Longer than a silent writer is waited for (7 s), shorter than its page waits for an answer (10 s).
SLEEP_MS = 8_500
ROLES = ["writer", "follower"]


class Tab:
    """One tab.

    Attributes:
        is_gone: Its page was closed or its process has crashed.
        is_away: Its worker boots, sleeps or has ended, as far as is known.
        since: What was told before is older than its latest end or sleep.
        slept_as: Its role when it fell asleep; empty once it is known to be awake.
        asked: The first number of what it was asked last.
        client: Its worker's id among the holders of locks; empty before :meth:`identify`.
        ends: How many workers of this page have ended.
    """

    def __init__(self, name: str, key: str, context: BrowserContext, url: str) -> None:
        self.name = name
        self.key = key
        self.is_gone = False
        self.is_away = True
        self.since = 0
        self.slept_as = ""
        self.asked = 0
        self.client = ""
        self.ends = 0
        self.edge = EdgePage(context.new_page(), url)
        self.page = self.edge.page
        self.page.on("crash", self._crashed)
        self.edge.open()
        self.page.evaluate("(name) => joinCrowd(name)", name)
        self.page.evaluate("() => void EdgeAI.flush().catch(() => {})")

    def close(self) -> None:
        self.is_gone = True
        self.page.close()

    def crash(self) -> None:
        session = self.page.context.new_cdp_session(self.page)

        def send(_: object) -> None:
            # Nobody is left to answer it.
            with suppress(Error):
                session.send("Page.crash")

        self.page.once("console", send)
        with self.page.expect_event("crash"):
            self.page.evaluate("() => void setTimeout(() => console.log('now'))")
        self.close()

    def throw(self) -> None:
        self._lose(THROW)

    def vanish(self) -> None:
        self._lose(VANISH)

    def sleep(self, role: str) -> None:
        self.is_away, self.slept_as = True, role
        worker_of(self.page).evaluate(SLEEP, SLEEP_MS)

    def identify(self) -> None:
        self.client = worker_of(self.page).evaluate(CLIENT)

    def _lose(self, script: str) -> None:
        self.is_away, self.client = True, ""
        self.ends += 1
        worker_of(self.page).evaluate(script)

    def _crashed(self, _: object) -> None:
        self.is_gone = True


class Crowd:
    """Tabs that come and go.

    Attributes:
        told: Everything that the tabs have told so far, in order.
        events: First numbers of the batches of events that a flush made durable.
        put: The latest value under each key; ``kept``: the latest that was acknowledged.
    """

    def __init__(self, context: BrowserContext, url: str, size: int, chance: random.Random) -> None:
        self._context = context
        self._url = url
        self._size = size
        self._chance = chance
        self._next_number = 1
        self._former: list[Tab] = []
        self.tabs: list[Tab] = []
        self.told: list[dict[str, Any]] = []
        self.events: set[int] = set()
        self.put: dict[str, int] = {}
        self.kept: dict[str, int] = {}
        context.add_init_script(path=ASSETS / "crowd.js")
        self.watcher = context.new_page()
        self.watcher.goto(url + "/page.js")
        self.watcher.evaluate("() => watchCrowd()")

    @property
    def everyone(self) -> list[Tab]:
        """Every tab that there was."""
        return [*self._former, *self.tabs]

    def tab(self, name: str) -> Tab:
        return next(tab for tab in self.everyone if tab.name == name)

    def present(self) -> Tab:
        """Return some tab that can answer."""
        return self._chance.choice([tab for tab in self.tabs if not (tab.is_away or tab.is_gone)])

    def fill(self) -> None:
        """Open as many tabs as have gone; they start by themselves."""
        self._former += [tab for tab in self.tabs if tab.is_gone]
        self.tabs = [tab for tab in self.tabs if not tab.is_gone]
        while len(self.tabs) < self._size:
            number = len(self.everyone)
            # A key of every other tab is kept plain.
            key = f"ui.{number}" if number % 2 else str(number)
            self.tabs.append(Tab(f"tab {number}", key, self._context, self._url))

    def act(self, count: int) -> None:
        """Have some tabs track and put, whatever comes of it."""
        tabs = [tab for tab in self.tabs if not tab.is_gone]
        for tab in self._chance.sample(tabs, count):
            self.ask(tab)

    def ask(self, tab: Tab, script: str = "void act(first, key)") -> None:
        tab.asked = self.put[tab.key] = self._next_number
        self._next_number += 1_000
        tab.page.evaluate(f"([first, key]) => {script}", [tab.asked, tab.key])

    def listen(self) -> None:
        """Take in what was told since."""
        news = self.watcher.evaluate("(since) => told.slice(since)", len(self.told))
        for place, message in enumerate(news, len(self.told)):
            if "tab" in message:
                self._take(self.tab(message["tab"]), place, message)
        self.told += news

    def settle(self) -> None:
        """Wait until every tab has a worker again and was answered everything."""
        script = "([since, name, roles]) => untilRole(since, [name], roles)"
        for tab in self.tabs:
            if tab.is_away and tab.slept_as != "follower":
                self.watcher.evaluate(script, [tab.since, tab.name, ROLES])
            tab.page.evaluate("() => allAnswered()")
        self.listen()

    def _take(self, tab: Tab, place: int, message: dict[str, Any]) -> None:
        if "status" in message:
            self._take_status(tab, place, message["status"])
        elif "refused" in message:
            # Only the end of the tab's own worker refuses anything.
            assert tab.ends and message["refused"].startswith("worker-lost"), message
        else:
            self._take_acknowledged(tab, **message["acknowledged"])

    def _take_status(self, tab: Tab, place: int, status: dict[str, Any]) -> None:
        assert status["state"] != "failed", (tab.name, status)
        assert status.get("problems", []) == [], (tab.name, status)
        store = status.get("store", {"mode": "durable", "problems": []})
        assert store["problems"] == [] and store["mode"] != "memory-only", (tab.name, status)
        if "role" not in status or place < tab.since:
            return
        # A writer that slept has lost the office meanwhile, and hears of that first.
        assert tab.slept_as != "writer" or status["role"] == "follower", (tab.name, status)
        tab.is_away, tab.slept_as = False, ""

    def _take_acknowledged(self, tab: Tab, first: int = 0, key: str = "", value: int = 0) -> None:
        if key:
            self.kept[key] = max(value, self.kept.get(key, 0))
            return
        self.events.add(first)
        if tab.slept_as == "follower" and first == tab.asked:
            # Its role never changed: nothing but an answer says that it is awake.
            tab.is_away, tab.slept_as = False, ""
