"""Calls to the engine under a breaker."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..errors import HostError
from ..pure.dispatcher_ports import Gate

T = TypeVar("T")


async def guarded(
    breakers: Gate,
    name: str,
    call: Callable[[], Awaitable[T]],
    took_ms: Callable[[T], float | None],
) -> T:
    """Make a call to the engine, unless its breaker refuses, and tell the breaker how it ended.

    Args:
        breakers: Whom to ask, and to tell.
        name: The breaker's.
        call: What to do.
        took_ms: How long a call took by its reply; None: its success is not to be counted.

    Raises:
        RefusedError: ``circuit-open``.
        EdgeError: What ``call`` raises; only a HostError is a failure of the engine.
    """
    # In this order: time goes on between two looks at a clock, and an open time may end.
    refusal = breakers.refusal(name)
    if refusal is not None:
        raise refusal
    permit = breakers.acquire(name)
    duration_ms: float | None = None
    failed = False
    try:
        reply = await call()
        duration_ms = took_ms(reply)
        return reply
    except HostError:
        duration_ms, failed = 0.0, True
        raise
    finally:
        if duration_ms is None:
            breakers.release(name, permit)
        else:
            breakers.done(name, permit, failed, duration_ms)
