"""Activations: who asked, when, and under which id."""

from edge_runtime.pure.activations import Activations
from edge_runtime.types import Activation, Event, TriggerKind

EVENT = Event("e1", 5.0, "mta", "Home", pv=True)


def test_ids_are_never_given_twice() -> None:
    activations = Activations("ab12")

    made = [activations.by_call("Rank", 9.0, {}), activations.by_call("Rank", 9.0, {})]

    assert [activation.run_id for activation in made] == ["ab12-1", "ab12-2"]


def test_the_id_of_an_events_run_is_the_same_in_every_life_of_the_runtime() -> None:
    lives = [Activations("ab12"), Activations("cd34")]

    assert {life.by_event("Rank", EVENT).run_id for life in lives} == {"Rank-e1"}


def test_an_event_gives_its_own_time_and_a_call_its_data() -> None:
    activations = Activations("x")

    by_event = activations.by_event("Rank", EVENT)
    by_call = activations.by_call("Rank", 9.0, {"k": 1})

    assert by_event == Activation("Rank-e1", "Rank", TriggerKind.EVENT, 5.0, EVENT)
    assert by_call == Activation("x-1", "Rank", TriggerKind.API, 9.0, None, {"k": 1})
