"""What a runtime decided, a line each, and one digest of all of it."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..types import JsonValue

# In the order in which they are told within one instant.
DECISIONS: Final = (
    "start",
    "lost",
    "activation",
    "refusal",
    "begin",
    "run",
    "settled",
    "answer",
    "reconfigured",
    "breaker",
    "stop",
)


class Decision(NamedTuple):
    """One line: ``atMs kind task runId detail``; milliseconds since the loop was made."""

    at_ms: float
    kind: str
    task: str
    run_id: str
    fields: Mapping[str, JsonValue]

    @property
    def detail(self) -> str:
        """Return the fields as ``name=value``."""
        return " ".join(f"{name}={value}" for name, value in self.fields.items())

    def __str__(self) -> str:
        """Return the line."""
        parts = (f"{self.at_ms:.3f}", self.kind, self.task or "-", self.run_id or "-", self.detail)
        return " ".join(parts).rstrip()


class DecisionLog:
    """Implements ``Journal``.

    What happens in one instant has no order that means anything, so lines of one instant are told
    by kind, task and run: the text depends on what was decided, not on which callback ran first.

    Args:
        now_ms: Virtual time.

    Attributes:
        waiting: Task and id of runs asked for and not settled.
        running: Task and id of runs whose code has begun and not returned.
    """

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._done: list[Decision] = []
        self._instant: list[Decision] = []
        self.waiting: set[tuple[str, str]] = set()
        self.running: set[tuple[str, str]] = set()

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Keep a decision; what only goes in is no decision."""
        if kind not in DECISIONS:
            return
        task, run_id = fields.pop("task", ""), fields.pop("runId", "")
        # A fallback's task has the run id of the one for which it stands in.
        self._follow(kind, (task, run_id))
        decision = Decision(self._now_ms(), kind, task, run_id, {} if kind == "start" else fields)
        if self._instant and self._instant[0].at_ms != decision.at_ms:
            self._close_instant()
        self._instant.append(decision)

    def died(self) -> None:
        """Forget what the runtime of before had under way."""
        self.waiting.clear()
        self.running.clear()

    @property
    def decisions(self) -> list[Decision]:
        """Everything so far."""
        self._close_instant()
        return self._done

    def text(self) -> str:
        """Return all lines."""
        return "".join(f"{decision}\n" for decision in self.decisions)

    def sha256(self) -> str:
        """Return the digest of :meth:`text`: 64 hexadecimal digits."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def _follow(self, kind: str, run: tuple[str, str]) -> None:
        if kind == "activation":
            self.waiting.add(run)
        elif kind in ("refusal", "settled"):
            self.waiting.discard(run)
        elif kind == "begin":
            self.running.add(run)
        elif kind == "run":
            self.running.discard(run)

    def _close_instant(self) -> None:
        self._instant.sort(key=_place)
        self._done += self._instant
        self._instant.clear()


def _place(each: Decision) -> tuple[int, str, str, str]:
    return DECISIONS.index(each.kind), each.task, each.run_id, each.detail
