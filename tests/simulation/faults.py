"""Faults to plant: each breaks what the product promises in one place, and must be found."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import edge_runtime.pure.dispatcher as dispatching
from edge_runtime.pure.breaker import Breaker, Permit
from edge_runtime.pure.dispatcher import Dispatcher
from edge_runtime.pure.matcher import Matcher
from edge_runtime.pure.rule import Rule
from edge_runtime.pure.run_lines import RunLines
from edge_runtime.pure.slots import Slots
from edge_runtime.pure.tickets import Phase, Ticket
from edge_runtime.pure.waiting_lines import PRIORITIES, WaitingLines
from edge_runtime.run_events import EventRuns
from edge_runtime.services.breakers import Breakers
from edge_runtime.services.scheduler_run import Run
from edge_runtime.services.unfinished import Unfinished

from tests.substituted import substituted

Fault = tuple[Any, str, Callable[[Any], Any]]
"""Where it is planted, under which name, and what it makes of what is there."""


def does_nothing(_original: Any) -> Any:
    return lambda *_args, **_options: None


def rank_without_age(_original: Any) -> Any:
    return lambda _self, item, _now_ms: (PRIORITIES.index(item.priority), item.place)


def leaks_released_permits(original: Any) -> Any:
    def leaks(gate: Any, ticket: Ticket, error: BaseException | None, now_ms: float) -> None:
        if getattr(error, "code", "") == "run-cancelled":
            ticket.permit = None
        original(gate, ticket, error, now_ms)

    return leaks


def any_class_while_one_is_free(_original: Any) -> Any:
    return lambda self: PRIORITIES if self._used < self.max_running else ()


def spends_any_permit(_original: Any) -> Any:
    def spend(_self: Breaker, permit: Permit) -> bool:
        was_spent, permit.spent = permit.spent, True
        return not was_spent

    return spend


def lets_the_superseded_wait_on(original: Any) -> Any:
    def admit(self: Any, ticket: Ticket, waiting: Ticket | None, now_ms: float) -> None:
        original(self, ticket, waiting, now_ms)
        if waiting is not None and waiting.phase is Phase.ENDED:
            waiting.place, waiting.key = (waiting.place[0], waiting.number), None
            self._lines.push(waiting)

    return admit


def frees_at_the_end_of_time_and_of_code(original: Any) -> Any:
    def ended(self: Any, ticket: Ticket, *rest: Any) -> bool:
        if ticket.phase is Phase.ENDING:
            self._slots.free(ticket)
            ticket.holds_slot = True
        return bool(original(self, ticket, *rest))

    return ended


def frees_before_the_code_returns(original: Any) -> Any:
    def abort(self: Any, ticket: Ticket, *rest: Any) -> None:
        original(self, ticket, *rest)
        if ticket.phase is Phase.ENDING:
            self._slots.free(ticket)

    return abort


def takes_the_first_out_instead(original: Any) -> Any:
    def abort(self: Any, ticket: Ticket, *rest: Any) -> None:
        waits = ticket.phase is Phase.WAITING
        first = self._lines._new.first(math.inf, (ticket.priority,)) if waits else ticket
        self._lines.remove(first)
        original(self, ticket, *rest)
        if first is not ticket:
            ticket.key = None
            self._lines.push(ticket)

    return abort


def asks_the_gate_alone(_original: Any) -> Any:
    return lambda self, ticket, _now_ms: self._gate.refusal(ticket.task)


def takes_none_that_are_ended(original: Any) -> Any:
    def take(self: Any, ticket: Ticket) -> None:
        if ticket.phase is not Phase.PARKED:
            original(self, ticket)

    return take


def counts_no_turns_of_core(_original: Any) -> Any:
    return lambda self, ticket: self.remove(ticket)


def gives_nothing(_original: Any) -> Any:
    return lambda _self: []


def may_always_begin(_original: Any) -> Any:
    return lambda _self, _noted, _event: ""


FAULTS: Mapping[str, Fault] = {
    "waiting promotes nobody": (WaitingLines, "rank", rank_without_age),
    "core goes before all who waited long": (RunLines, "take", counts_no_turns_of_core),
    "no slot is kept for core": (Slots, "open", any_class_while_one_is_free),
    "a slot is freed twice": (Dispatcher, "ended", frees_at_the_end_of_time_and_of_code),
    "a slot is freed before the code returns": (Dispatcher, "abort", frees_before_the_code_returns),
    "a caller keeps its slot while it waits": (Dispatcher, "park", does_nothing),
    "parked code that is ended holds no slot": (Slots, "take", takes_none_that_are_ended),
    "a full line takes more": (Dispatcher, "_check", does_nothing),
    "who leaves a line takes the first one out": (
        Dispatcher,
        "abort",
        takes_the_first_out_instead,
    ),
    "a deadline is not looked at before a start": (Dispatcher, "_refusal", asks_the_gate_alone),
    "a superseded run runs all the same": (Dispatcher, "_admit", lets_the_superseded_wait_on),
    "settled code has effects": (Run, "check", does_nothing),
    "a cancelled run keeps its permit": (dispatching, "return_permit", leaks_released_permits),
    "a result from before a trip counts": (Breaker, "_spend", spends_any_permit),
    "open breakers are not taken up": (Breakers, "load", does_nothing),
    "sequences are not taken up": (Matcher, "replayed", does_nothing),
    "counts and cooldowns are not taken up": (Matcher, "remember", does_nothing),
    "runs that waited are not taken up": (Unfinished, "taken_up", gives_nothing),
    "runs that had begun are begun again": (EventRuns, "_why_lost", may_always_begin),
    "what is left is not noted at an orderly end": (Unfinished, "freeze", does_nothing),
    "equal triggers begin empty after a swap": (Rule, "inherit", does_nothing),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have a fault in the product inside the block."""
    owner, attribute, broken = FAULTS[name]
    with substituted(owner, attribute, broken(getattr(owner, attribute))):
        yield
