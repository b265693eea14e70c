"""Sums a replay up: activations and outcomes by task, waits by queue, transitions of breakers."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..types import JsonValue, Priority
from .decision_log import Decision, DecisionLog


@dataclass(slots=True)
class TaskLine:
    """One task.

    Attributes:
        activations: Runs asked for.
        begun: Runs whose code began.
        outcomes: How runs ended for who asked: ``ok``, ``cancelled`` or an error's code; refusals
            are among them, and what the worker after a dead one tells of its runs.
        run_ms: What the code took, milliseconds each.
    """

    activations: int = 0
    begun: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    run_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class QueueLine:
    """One queue; ``waits_ms`` has the wait of each run that began, milliseconds."""

    activations: int = 0
    waits_ms: list[float] = field(default_factory=list)


class ReplayReport:
    """What a person wants to know of a log.

    Attributes:
        sha256: The log's digest; equal logs mean equal decisions.
        until_ms: Virtual time of the last decision.
        lives: How many workers began.
        tasks, queues: By name.
        transitions: Of all breakers, by ``from → to``.
    """

    def __init__(self, log: DecisionLog) -> None:
        decisions = log.decisions
        self.sha256 = log.sha256()
        self.until_ms = decisions[-1].at_ms if decisions else 0.0
        self.lives = sum(each.kind == "start" for each in decisions)
        self.tasks: defaultdict[str, TaskLine] = defaultdict(TaskLine)
        self.queues = {priority.value: QueueLine() for priority in Priority}
        self.transitions: Counter[str] = Counter()
        self._asked: dict[tuple[str, str], tuple[str, float]] = {}
        for each in decisions:
            self._add(each)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return plain data."""
        return {
            "sha256": self.sha256,
            "untilMs": self.until_ms,
            "lives": self.lives,
            "tasks": {
                name: {
                    "activations": line.activations,
                    "begun": line.begun,
                    "outcomes": dict(sorted(line.outcomes.items())),
                    "runMs": spread(line.run_ms),
                }
                for name, line in sorted(self.tasks.items())
            },
            "queues": {
                name: {"activations": line.activations, "waitMs": spread(line.waits_ms)}
                for name, line in self.queues.items()
            },
            "transitions": dict(sorted(self.transitions.items())),
        }

    def _add(self, each: Decision) -> None:
        if each.kind == "breaker":
            self.transitions[f"{each.fields['from']} → {each.fields['to']}"] += 1
        elif each.kind == "activation":
            self.tasks[each.task].activations += 1
            self.queues[each.fields["queue"]].activations += 1
            self._asked[each.task, each.run_id] = each.fields["queue"], each.at_ms
        elif each.kind == "begin":
            self.tasks[each.task].begun += 1
            queue, asked_ms = self._asked[each.task, each.run_id]
            self.queues[queue].waits_ms.append(each.at_ms - asked_ms)
        elif each.kind == "run":
            self.tasks[each.task].run_ms.append(each.fields["runMs"])
        elif each.kind in ("refusal", "settled", "lost"):
            self.tasks[each.task].outcomes[each.fields["ended"]] += 1


def spread(values_ms: Sequence[float]) -> dict[str, float] | None:
    """Return p50, p99 (nearest rank) and max, rounded to microseconds; None for no values."""
    if not values_ms:
        return None
    ordered = sorted(values_ms)
    ranks = {"p50": 0.50, "p99": 0.99, "max": 1.0}
    return {
        name: round(ordered[math.ceil(share * len(ordered)) - 1], 3)
        for name, share in ranks.items()
    }
