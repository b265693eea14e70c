"""The dispatcher's rules told once more, as a list that is searched from its beginning."""

from dataclasses import dataclass, field

from edge_runtime.config import SchedulerConfig
from edge_runtime.pure.tickets import OVERDUE_MS, STUCK_MS, Ticket
from edge_runtime.pure.waiting_lines import PRIORITIES
from edge_runtime.types import Priority, Supersede

Told = tuple[str, object, str | None]


@dataclass(eq=False)
class Entry:
    """One run; ``state`` is waiting, running, parked, returning, ending or ended."""

    ticket: Ticket
    place: int
    since_ms: float
    deadline_ms: float
    state: str = "waiting"
    holds: bool = False
    is_overdue: bool = False
    is_stuck: bool = False


@dataclass
class NaiveDispatcher:
    """Knows every run that ever was; ``told`` is what the listener must have heard, in order."""

    config: SchedulerConfig
    entries: list[Entry] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    refused_tasks: set[str] = field(default_factory=set)
    paused: bool = False
    core_in_a_row: int = 0

    def entry(self, ticket: Ticket) -> Entry:
        return next(each for each in self.entries if each.ticket is ticket)

    def submit(self, ticket: Ticket, now_ms: float) -> Ticket | str:
        """Return the ticket, the one that it joins, or the code of the refusal."""
        if ticket.deadline_ms <= now_ms:
            return "deadline-passed"
        if ticket.task in self.refused_tasks:
            return "circuit-open"
        old = self.waiting_under(ticket)
        joins = old is not None and ticket.supersede is Supersede.JOIN
        if old and joins and index(old.ticket.priority) <= index(ticket.priority):
            old.deadline_ms = max(old.deadline_ms, ticket.deadline_ms)
            return old.ticket
        same = old is not None and old.ticket.priority is ticket.priority
        in_line = self.count("waiting", ticket.priority)
        full = in_line >= self.config.queue_limits[ticket.priority]
        starts = not self.paused and ticket.priority in self.open_classes()
        if full and not same and not (starts and self.next(now_ms) is None):
            return "queue-full"
        new = Entry(ticket, len(self.entries) + 1, now_ms, ticket.deadline_ms)
        if old is not None and ticket.supersede is Supersede.LATEST:
            if same:
                new.place, new.since_ms = old.place, old.since_ms
            old.state = "ended"
            self.told.append(("settle", old.ticket, "run-superseded"))
        self.entries.append(new)
        self.fill(now_ms)
        return ticket

    def waiting_under(self, ticket: Ticket) -> Entry | None:
        same = [
            each
            for each in self.entries
            if each.state == "waiting" and ticket.key and each.ticket.key == ticket.key
        ]
        return same[-1] if same else None

    def ended(self, entry: Entry, now_ms: float) -> bool:
        was_settled, is_late = entry.state == "ending", entry.deadline_ms <= now_ms
        entry.state, entry.holds = "ended", False
        if not was_settled and is_late:
            self.told.append(("settle", entry.ticket, "task-timeout"))
        self.fill(now_ms)
        return not was_settled and not is_late

    def abort(self, entry: Entry, code: str, now_ms: float) -> None:
        if entry.state in ("ending", "ended"):
            return
        entry.holds = entry.state != "waiting"
        entry.state = "ending" if entry.holds else "ended"
        entry.deadline_ms = max(entry.deadline_ms, now_ms)
        self.told.append(("settle", entry.ticket, code))

    def park(self, entry: Entry, now_ms: float) -> None:
        if entry.state in ("running", "returning"):
            entry.state, entry.holds = "parked", False
            self.fill(now_ms)

    def unpark(self, entry: Entry, now_ms: float) -> None:
        if entry.state == "parked":
            entry.state = "returning"
            self.fill(now_ms)

    def expire(self, now_ms: float) -> None:
        for entry in sorted(self.entries, key=lambda each: each.ticket.number):
            if entry.state == "ending":
                if not entry.is_overdue and entry.deadline_ms + OVERDUE_MS <= now_ms:
                    entry.is_overdue = True
                    entry.deadline_ms = max(entry.deadline_ms, now_ms - OVERDUE_MS)
                    self.told.append(("overdue", entry.ticket, None))
                if not entry.is_stuck and entry.deadline_ms + STUCK_MS <= now_ms:
                    entry.is_stuck = True
                    self.tell_if_stuck()
            elif entry.state != "ended" and entry.deadline_ms <= now_ms:
                late = entry.state == "waiting"
                self.abort(entry, "deadline-passed" if late else "task-timeout", now_ms)

    def tell_if_stuck(self) -> None:
        stuck = [each for each in self.entries if each.is_stuck and each.state == "ending"]
        left = self.config.max_running - len(stuck)
        if left <= 0 or left == 1 < self.config.max_running:
            self.told.append(("stuck", None, None))

    def fill(self, now_ms: float) -> None:
        while (entry := self.next(now_ms)) is not None:
            is_core = entry.ticket.priority is Priority.CORE
            self.core_in_a_row = self.core_in_a_row + 1 if is_core else 0
            if entry.state == "returning":
                entry.state, entry.holds = "running", True
                self.told.append(("resume", entry.ticket, None))
            elif entry.deadline_ms <= now_ms or entry.ticket.task in self.refused_tasks:
                entry.state = "ended"
                is_late = entry.deadline_ms <= now_ms
                code = "deadline-passed" if is_late else "circuit-open"
                self.told.append(("settle", entry.ticket, code))
            else:
                entry.state, entry.holds = "running", True
                entry.deadline_ms = min(entry.deadline_ms, now_ms + entry.ticket.timeout_ms)
                self.told.append(("start", entry.ticket, None))

    def next(self, now_ms: float) -> Entry | None:
        states = ("returning",) if self.paused else ("returning", "waiting")
        among = [
            each
            for each in self.entries
            if each.state in states and each.ticket.priority in self.open_classes()
        ]

        def rank(each: Entry) -> tuple[int, int]:
            steps = int((now_ms - each.since_ms) / self.config.ageing_ms)
            return max(0, index(each.ticket.priority) - steps), each.place

        core = [each for each in among if each.ticket.priority is Priority.CORE]
        return min(core if core and self.core_in_a_row < 3 else among, key=rank, default=None)

    def open_classes(self) -> list[Priority]:
        held = [each.ticket.priority for each in self.entries if each.holds]
        if len(held) >= self.config.max_running:
            return []
        others = len(held) - held.count(Priority.CORE)
        kept = others >= max(1, self.config.max_running - 1)
        return [Priority.CORE] if kept else list(Priority)

    def count(self, state: str, priority: Priority) -> int:
        return sum(
            each.state == state and each.ticket.priority is priority for each in self.entries
        )


def index(priority: Priority) -> int:
    return PRIORITIES.index(priority)
