"""What the runtime notes about its runs, checked as it notes it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.edge_runtime.pure.findings import Findings

from .site import JOINED


def key_of(fields: dict[str, Any]) -> str:
    """Name a run: a fallback's task has the run id of the one for which it stands in."""
    return f"{fields['task']} {fields['runId']}"


@dataclass(slots=True)
class Life:
    """The runs of one worker.

    Attributes:
        asked, begun, settled: When that was, by :func:`key_of`, in order.
        running: Whose code is under way.
        events: The task that an event asked for, by run id; a fallback's is another.
        activated: Task, run id and queue of what events asked for, since this was last cleared.
        lost: Run ids of what an earlier worker left and this one has given up.
    """

    asked: dict[str, float] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    events: dict[str, str] = field(default_factory=dict)
    activated: list[tuple[str, str, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Ledger:
    """Implements ``Journal``.

    Args:
        findings: Hears of what does not hold.
        now_ms: Virtual time in which something could be written.

    Attributes:
        life: The runs of the worker that lives.
        outcomes: How runs ended, over all lives.
    """

    def __init__(self, findings: Findings, now_ms: Callable[[], float]) -> None:
        self._findings = findings
        self._now_ms = now_ms
        self.life = Life()
        self.lives = 0
        self.outcomes: Counter[str] = Counter()

    def note(self, kind: str, **fields: Any) -> None:
        """Check a line against those before it."""
        check = getattr(self, f"_{kind}", None)
        if check is not None:
            check(fields)

    def died(self) -> None:
        """Forget the worker's runs: only the next one can tell of them."""
        self.life = Life()

    def unsettled(self) -> set[str]:
        """Return the runs that nobody has heard of again."""
        return self.life.asked.keys() - self.life.settled.keys()

    def _start(self, _fields: dict[str, Any]) -> None:
        self.lives += 1

    def _activation(self, fields: dict[str, Any]) -> None:
        key, life = key_of(fields), self.life
        self._findings.check(key not in life.asked, f"{key}: asked for once")
        life.asked[key] = self._now_ms()
        task, run_id = fields["task"], fields["runId"]
        if fields["trigger"] == "event" and run_id.startswith(f"{task}-"):
            life.events[run_id] = task
            life.activated.append((task, run_id, fields["queue"]))

    def _lost(self, fields: dict[str, Any]) -> None:
        self.life.lost.append(fields["runId"])
        self.outcomes[fields["ended"]] += 1

    def _refusal(self, fields: dict[str, Any]) -> None:
        key = key_of(fields)
        self._findings.check(key not in self.life.begun, f"{key}: refused unbegun")
        self._settled(fields)

    def _begin(self, fields: dict[str, Any]) -> None:
        key, life, check = key_of(fields), self.life, self._findings.check
        check(key in life.asked, f"{key}: asked for before it begins")
        check(key not in life.begun, f"{key}: run once")
        is_over = key in life.settled and fields["task"] != JOINED
        check(not is_over, f"{key}: never begun once it is settled")
        life.begun[key] = self._now_ms()
        life.running.add(key)

    def _run(self, fields: dict[str, Any]) -> None:
        key = key_of(fields)
        self._findings.check(key in self.life.running, f"{key}: returns once, after it began")
        self.life.running.discard(key)

    def _settled(self, fields: dict[str, Any]) -> None:
        key, life = key_of(fields), self.life
        self._findings.check(key in life.asked, f"{key}: asked for before it is settled")
        self._findings.check(key not in life.settled, f"{key}: settled once")
        life.settled[key] = self._now_ms()
        self.outcomes[fields["ended"]] += 1
