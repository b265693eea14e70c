"""A dispatcher whose every decision an audit hears."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, RefusedError
from edge_runtime.pure.dispatcher import Dispatcher
from edge_runtime.pure.dispatcher_ports import Gate, Listener
from edge_runtime.pure.tickets import Ticket
from edge_runtime.types import Priority

from .dispatch_audit import DispatchAudit


class Ears:
    """Stands before the dispatcher's listener."""

    def __init__(self, audit: DispatchAudit, listener: Listener) -> None:
        self._audit = audit
        self._listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def start(self, ticket: Ticket) -> None:
        self._audit.started(ticket)
        self._listener.start(ticket)

    def settle(self, ticket: Ticket, error: EdgeError) -> None:
        self._audit.settled(ticket)
        self._listener.settle(ticket, error)

    def resume(self, ticket: Ticket) -> None:
        self._audit.resumed_run(ticket)
        self._listener.resume(ticket)


class Guard:
    """Stands before the dispatcher's gate, with permits that can be told apart."""

    def __init__(self, audit: DispatchAudit, gate: Gate) -> None:
        self._audit = audit
        self._gate = gate

    def refusal(self, task: str) -> RefusedError | None:
        return self._gate.refusal(task)

    def acquire(self, task: str) -> object | None:
        permit = Lent(self._gate.acquire(task))
        self._audit.lent(task, permit, permit.own)
        return permit

    def done(self, task: str, permit: Any, failed: bool, duration_ms: float) -> None:
        self._audit.given_back(task, permit)
        self._gate.done(task, permit.own, failed, duration_ms)

    def release(self, task: str, permit: Any) -> None:
        self._audit.given_back(task, permit)
        self._gate.release(task, permit.own)


@dataclass(eq=False)
class Lent:
    """A permit with the gate's ``own``, which may be the same for all."""

    own: object | None


class WatchedDispatcher(Dispatcher):
    """Tells the audit what it is asked before it decides, and when it has decided."""

    def __init__(
        self, audit: DispatchAudit, config: SchedulerConfig, listener: Listener, gate: Gate
    ) -> None:
        self._audit = audit
        self._depth = 0
        audit.configured(config)
        super().__init__(config, Ears(audit, listener), Guard(audit, gate))

    def submit(self, ticket: Ticket, now_ms: float) -> Ticket:
        with self._deciding():
            self._audit.asked(ticket)
            try:
                got = super().submit(ticket, now_ms)
            except RefusedError as error:
                self._audit.refused(ticket, error.code)
                raise
            if got is not ticket:
                self._audit.joined(ticket, got)
            return got

    def refuses(self, task: str, priority: Priority, now_ms: float) -> bool:
        is_refused = super().refuses(task, priority, now_ms)
        if is_refused:
            self._audit.refused_unasked(task, priority)
        return is_refused

    def ended(self, ticket: Ticket, now_ms: float, error: BaseException | None = None) -> bool:
        with self._deciding(fills=False):
            self._audit.moved(ticket, "gone")
            return super().ended(ticket, now_ms, error)

    def abort(self, ticket: Ticket, error: EdgeError, now_ms: float) -> None:
        with self._deciding(fills=False):
            super().abort(ticket, error, now_ms)

    def park(self, ticket: Ticket, now_ms: float) -> None:
        with self._deciding():
            self._audit.moved(ticket, "parked", "running", "returning")
            super().park(ticket, now_ms)

    def unpark(self, ticket: Ticket, now_ms: float) -> None:
        with self._deciding():
            self._audit.moved(ticket, "returning", "parked")
            super().unpark(ticket, now_ms)

    def pause(self) -> None:
        self._audit.paused()
        super().pause()

    def resume(self, now_ms: float) -> None:
        with self._deciding():
            self._audit.resumed()
            super().resume(now_ms)

    def reconfigure(self, config: SchedulerConfig, now_ms: float) -> None:
        with self._deciding():
            self._audit.configured(config)
            super().reconfigure(config, now_ms)

    def expire(self, now_ms: float) -> float:
        with self._deciding(fills=False):
            return super().expire(now_ms)

    def fill(self, now_ms: float) -> None:
        with self._deciding():
            super().fill(now_ms)

    @contextmanager
    def _deciding(self, *, fills: bool = True) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._audit.decided(fills=fills)
