"""A site's life on virtual time: visits, floods, calls, and every fault, drawn from one seed."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import edge_runtime.runtime as composition
import edge_runtime.services.scheduler as scheduling
from edge_runtime.config import parse_config
from edge_runtime.pure.waiting_lines import PRIORITIES
from edge_runtime.runtime import Runtime
from edge_runtime.services import triggers
from edge_runtime.testing.replay import QUIET
from edge_runtime.testing.virtual_device import VirtualDevice

from tests.substituted import substituted
from tests.unit.edge_runtime.pure.dispatch_audit import HOLD_A_SLOT, DispatchAudit
from tests.unit.edge_runtime.pure.findings import Broken, Findings
from tests.unit.edge_runtime.pure.watched_dispatcher import WatchedDispatcher

from .behaviour import BEHAVIOUR, Behaviour
from .breaker_audit import BreakerAudit, WatchedBreakers
from .ending import close_tasks
from .ledger import Ledger
from .left_audit import LeftAudit
from .page import Page
from .scenes import CALM_MS, SCENES
from .site import BASE, Step, bundle_of, bundles, config
from .trigger_audit import TriggerAudit

HOUR_MS = 3_600_000
PAUSE_MS = 330_000
# All that may wait, one after the other, each as slow as can be.
REST_MS = 1_800_000
# A checkpoint comes sooner than on a page: a short log is what most starts should find.
LIMITS = replace(QUIET, checkpoint_segments=64)


class World:
    """One device and its page; ``seed`` decides everything.

    Attributes:
        choose: Draws what happens.
        runtime: The one that lives.
        ledger: What it notes.
        longest_ms: The longest wait by queue.
    """

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self._device = VirtualDevice(seed)
        self._device.files.update(bundles())
        self._config = parse_config(config())
        self._findings = Findings(self.now_ms, lambda: self._device.loop.stop())
        self.ledger = Ledger(self._findings, self.awake_ms)
        self._behaviour = Behaviour(seed, self.ledger, self._findings, lambda: self._device.loop)
        self._device.context.run(BEHAVIOUR.set, self._behaviour)
        self.longest_ms: Counter[str] = Counter()
        self._breakers = BreakerAudit(self._findings, self.awake_ms)
        self._triggers = TriggerAudit(self._findings, self.awake_ms)
        self._left = LeftAudit(self._findings, self.awake_ms)
        self._page = Page(self.choose)
        self._start()

    def play(self, hours: float) -> None:
        """Live for so long; come to rest each hour and look whether anything is missing.

        Raises:
            Broken: An invariant does not hold.
        """
        scenes, weights = list(SCENES), list(SCENES.values())
        for hour in range(1, int(hours) + 1):
            while self.now_ms() < hour * HOUR_MS:
                self.wait(self.choose.expovariate(1 / PAUSE_MS))
                self.choose.choices(scenes, weights)[0](self)
                self._look()
            self._come_to_rest()
        self.stop()

    def close(self) -> None:
        """Let go of what is under way, where a world came to no good end."""
        close_tasks(self._device.loop)

    def now_ms(self) -> float:
        """Return virtual time."""
        return self._device.loop.now_ms

    def awake_ms(self) -> float:
        """Return virtual time without that in which nothing could be written."""
        return self.now_ms() - self._behaviour.blocked_ms

    def wait(self, duration_ms: float) -> None:
        """Let time pass."""
        with self._audited():
            self._device.rest(self.now_ms() + duration_ms)

    def do(self, action: Callable[[], object]) -> None:
        """Do something that takes no time, and all that follows from it."""
        with self._audited():
            self._device.do(action)

    def track(self, count: int, step: Step | None = None) -> None:
        """Have so many events, all of ``step`` or each of any."""
        self._send(self._page.rows(count, step, self._device.clock.now_ms()))

    def ask(
        self, task: str, *, priority: Any = None, timeout_ms: float | None = None, **does: Any
    ) -> None:
        """Call a task whose run does as it is told."""
        self.do(self._page.call(task, does, priority=priority, timeout_ms=timeout_ms))

    def ask_anything(self) -> None:
        """Call any task."""
        self.do(self._page.call(None, {}))

    def cancel_any(self) -> None:
        """Give up a call, or one that was answered long ago."""
        self.do(self._page.cancel())

    def stop_after(self, duration_ms: float, callbacks: int) -> None:
        """Stop in the middle of what happens then."""
        at_ms = self.now_ms() + duration_ms
        self._device.loop.call_at_ms(at_ms, self._count_down, callbacks)
        self.wait(duration_ms)

    def stop(self) -> None:
        """End the runtime in an orderly way."""
        self._look()
        self._left.ended(self.ledger.life, died=False)
        with self._audited():
            self._device.wait_for(self.runtime.stop())

    def begin_anew(self, *, died: bool = False) -> None:
        """Start another worker; ``died``: the former one had no time to say so."""
        if died:
            self._look()
            self._left.ended(self.ledger.life, died=True)
        self._breakers.died = self._triggers.died = died
        self.ledger.died()
        self._page.lose()
        self._device.reload(self.runtime.stop)
        self._start()

    def set_clock(self, ahead_ms: float) -> None:
        """Set the device's clock ahead."""
        self._device.clock.set_now(self._device.clock.now_ms() + ahead_ms)

    @contextmanager
    def no_room(self) -> Iterator[None]:
        """Have a full disk inside the block."""
        for audit in (self._breakers, self._triggers):
            audit.kept.trouble()
        self._left.trouble()
        self._device.storage.quota_bytes = self._device.disk.size_bytes() + 200
        yield
        self._device.storage.quota_bytes = None

    def reconfigure(self, plain: dict[str, Any]) -> None:
        """Use other triggers and limits."""
        self.do(partial(self.runtime.reconfigure, plain))
        self._triggers.swapped(parse_config(plain).triggers)

    def exchange(self, task: str, *, is_broken: bool) -> None:
        """Have another version of a task used from now on, or find that it cannot be."""
        url, version = f"{BASE}{task}.edge", self._behaviour.versions.get(task, 0) + 1
        former = self._device.files[url]
        self._device.files[url] = b"" if is_broken else bundle_of(task, version)
        if not is_broken:
            self._behaviour.versions[task] = version
        with self._audited():
            change = self._device.wait_for(self.runtime.reload())
        found = [(each.task_name, each.after) for each in change.changed]
        if found != ([] if is_broken else [(task, str(version))]):
            raise Broken(f"a reload of {task} {version}, got {found}")
        if is_broken:
            self._device.files[url] = former

    @contextmanager
    def _audited(self) -> Iterator[None]:
        """Raise what audits find inside the block, rather than what comes of it."""
        try:
            yield
        finally:
            self._findings.raise_first()

    def _count_down(self, callbacks: int) -> None:
        if callbacks == 0:
            self._device.loop.stop()
        else:
            self._device.loop.call_soon(self._count_down, callbacks - 1)

    def _start(self) -> None:
        device = self._device
        self._dispatch = DispatchAudit(self._findings, self.now_ms, self.longest_ms)
        dispatcher = partial(WatchedDispatcher, self._dispatch)
        breakers = partial(WatchedBreakers, self._breakers)
        with (
            substituted(scheduling, "Dispatcher", dispatcher),
            substituted(composition, "Breakers", breakers),
        ):
            host, journal = device.host(), device.journal(self.ledger)
            self.runtime = Runtime(host, self._config, BASE, journal=journal, limits=LIMITS)
        with self._audited():
            problems = device.wait_for(self.runtime.start())
        if problems:
            raise Broken(f"a start without problems, got {problems}")
        stored_ids = self._page.begin(self.runtime)
        memory, now_ms = self.runtime.data.get(triggers.KEY), device.clock.now_ms()
        self._triggers.started(self._config.triggers, stored_ids, memory or {}, now_ms)
        self.do(self.runtime.take_up)
        self._left.taken_up(self.ledger.life, self._triggers.event_times, now_ms)
        self._send_again(list(self._page.unconfirmed.values()))

    def _send(self, rows: list[list[Any]]) -> None:
        activated = self.ledger.life.activated
        expected = self._triggers.expected(rows, self._device.clock.now_ms())
        activated.clear()
        self.do(self._page.track(rows))
        if activated != expected:
            raise Broken(f"{rows} activate {expected}, got {activated}")

    def _send_again(self, rows: list[list[Any]]) -> None:
        """Send what was not confirmed; it is asked for once it is noted that it may have begun."""
        life = self.ledger.life
        expected = self._triggers.expected(rows, self._device.clock.now_ms())
        life.activated.clear()
        life.lost.clear()
        self.do(self._page.track(rows, is_again=True))
        got = {run_id for _, run_id, _ in life.activated} | {*life.lost}
        if got != {run_id for _, run_id, _ in expected}:
            raise Broken(f"{rows} sent again activate {expected}, got {got}")
        self._left.began_again(life)

    def _look(self) -> None:
        statistics = self.runtime.statistics()
        self._page.look(statistics["store"]["purgedEvents"])
        for priority in PRIORITIES:
            queue, total = statistics["queues"][priority.value], self._dispatch.total
            told = queue["waiting"], queue["running"], queue["parked"]
            states = (("waiting",), HOLD_A_SLOT, ("parked", "returning"))
            expected = tuple(total(*each, among=(priority,)) for each in states)
            self._findings.check(told == expected, f"queues of {expected}, got {told}")
        self._findings.raise_first()

    def _come_to_rest(self) -> None:
        until_ms = self.now_ms() + REST_MS
        self.wait(CALM_MS)
        # What is settled may still run.
        ledger = self.ledger
        while (ledger.unsettled() or ledger.life.running) and self.now_ms() < until_ms:
            self.wait(CALM_MS)
        self._look()
        going = self._dispatch.total("waiting", "parked", "returning", *HOLD_A_SLOT)
        if going or self.ledger.life.running:
            raise Broken(f"nothing runs for ever, got {going} and {self.ledger.life.running}")
        if unsettled := self.ledger.unsettled():
            raise Broken(f"every run is settled, got none for {unsettled}")
        calls, events = self._page.open_calls, self._page.unconfirmed
        if calls or events:
            raise Broken(f"no answer to {calls}, {len(events)} unconfirmed")
