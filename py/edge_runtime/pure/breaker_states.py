"""The states of a breaker, and the one table of what changes them."""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Final


class State(StrEnum):
    """Closed lets everything through, half-open a few calls, the others nothing."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"
    FORCED_OPEN = "forced-open"


class Signal(Enum):
    """What changes the state."""

    TRIPPED = auto()
    TIME_OVER = auto()
    PROVEN = auto()
    FORCED = auto()
    RESET = auto()


TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = {
    (State.CLOSED, Signal.TRIPPED): State.OPEN,
    (State.OPEN, Signal.TIME_OVER): State.HALF_OPEN,
    (State.HALF_OPEN, Signal.TRIPPED): State.OPEN,
    (State.HALF_OPEN, Signal.PROVEN): State.CLOSED,
    **{(state, Signal.FORCED): State.FORCED_OPEN for state in State},
    **{(state, Signal.RESET): State.CLOSED for state in State},
}
"""The state after a signal; what is not listed changes nothing."""
