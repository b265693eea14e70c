"""Calls to the engine under a breaker, and what its errors mean."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..errors import EdgeError, HostError
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
        EdgeError: What ``call`` raises; see :func:`is_engines` for what is a failure.
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
    except HostError as error:
        if is_engines(error):
            duration_ms, failed = 0.0, True
        raise
    finally:
        if duration_ms is None:
            breakers.release(name, permit)
        else:
            breakers.done(name, permit, failed, duration_ms)


async def admitted(breakers: Gate, name: str, call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that no run waits for, unless its breaker refuses; the breaker does not hear.

    Raises:
        RefusedError: ``circuit-open``.
        EdgeError: What ``call`` raises.
    """
    refusal = breakers.refusal(name)
    if refusal is not None:
        raise refusal
    return await call()


def is_engines(error: EdgeError) -> bool:
    """Say whether the engine failed: not the network, and not a lane that others ended."""
    is_failure = error.code in ("inference-failed", "worker-lost")
    return is_failure and not error.details.get("closed")


def ends_lane(error: HostError) -> bool:
    """Say whether an error means that the lane is gone."""
    return error.code == "worker-lost" or bool(error.details.get("poisoned"))


def lost(lane: str) -> HostError:
    """Say that a lane was ended, by others, before something was done in it."""
    message = f"inference {lane}: expected the engine to live, got a new one meanwhile. Run again."
    return HostError("worker-lost", message, {"lane": lane, "closed": True})
