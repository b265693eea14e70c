"""The table of transitions."""

from edge_runtime.pure.breaker_states import TRANSITIONS, Signal, State


def test_every_state_can_be_left_and_every_signal_is_used() -> None:
    left = {before for (before, _), after in TRANSITIONS.items() if after is not before}

    assert left == set(State)
    assert {signal for _, signal in TRANSITIONS} == set(Signal)


def test_only_time_leads_out_of_open_and_only_a_reset_out_of_forced_open() -> None:
    ways = {
        before: {signal for (state, signal), after in TRANSITIONS.items() if state is before}
        for before in (State.OPEN, State.FORCED_OPEN)
    }

    assert ways[State.OPEN] == {Signal.TIME_OVER, Signal.FORCED, Signal.RESET}
    assert ways[State.FORCED_OPEN] == {Signal.FORCED, Signal.RESET}
