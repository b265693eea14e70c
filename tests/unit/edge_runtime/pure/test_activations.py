"""Activations: who asked, when, and under which id."""

from edge_runtime.pure.activations import Activations
from edge_runtime.types import Activation, Event, TriggerKind

EVENT = Event("e1", 5.0, "mta", "Home", pv=True)


def test_ids_are_never_given_twice() -> None:
    activations = Activations("ab12")

    made = [activations.by_event("Rank", EVENT), activations.by_call("Rank", 9.0, {})]

    assert [activation.run_id for activation in made] == ["ab12-1", "ab12-2"]


def test_an_event_gives_its_own_time_and_a_call_its_data() -> None:
    activations = Activations("x")

    by_event = activations.by_event("Rank", EVENT)
    by_call = activations.by_call("Rank", 9.0, {"k": 1})

    assert by_event == Activation("x-1", "Rank", TriggerKind.EVENT, 5.0, EVENT)
    assert by_call == Activation("x-2", "Rank", TriggerKind.API, 9.0, None, {"k": 1})
