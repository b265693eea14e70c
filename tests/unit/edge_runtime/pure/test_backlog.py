"""The backlog: order, what one commit takes, and what is let go."""

from edge_runtime.pure.backlog import Backlog, Entry
from edge_runtime.pure.segment import Operations

LARGE = 1_000


def events(text: str, count: int = 1) -> Entry:
    return Entry("sealed", text, count)


def key(text: str, name: str = "k", route: str = "sealed") -> Entry:
    return Entry(route, text, key=name)  # type: ignore[arg-type]


def filled(*entries: Entry) -> Backlog:
    backlog = Backlog()
    for entry in entries:
        backlog.add(entry)
    return backlog


def test_a_commit_takes_entries_in_order_by_route() -> None:
    commit = filled(events("e1", 2), key("p", route="plain"), events("e2")).next_commit(LARGE)

    assert commit.routes == {
        "sealed": Operations(["e1", "e2"], []),
        "plain": Operations([], ["p"]),
    }
    assert commit.has_keys


def test_only_the_last_operation_on_a_key_is_written() -> None:
    first, last = key("put 1"), key("put 2", route="plain")
    commit = filled(first, key("other", "o"), last).next_commit(LARGE)

    assert commit.routes == {
        "sealed": Operations([], ["other"]),
        "plain": Operations([], ["put 2"]),
    }
    assert set(commit.key_texts) == {"put 2", "other"}


def test_a_commit_stops_at_its_size_but_takes_at_least_one() -> None:
    backlog = filled(events("x" * 50), events("y" * 50))

    commit = backlog.next_commit(10)
    assert [entry.text[0] for entry in commit.entries] == ["x"]
    backlog.settle(commit)
    assert [entry.text[0] for entry in backlog.next_commit(10).entries] == ["y"]


def test_nothing_leaves_before_it_is_settled() -> None:
    backlog = filled(events("e1", 3))
    commit = backlog.next_commit(LARGE)
    late = backlog.add(events("e2", 2))
    assert backlog.operations == 5

    backlog.settle(commit)
    assert (backlog.operations, len(backlog), backlog.last) == (2, 1, late)
    assert commit.entries[0].settled and not late.settled


def test_a_removed_entry_is_not_written() -> None:
    backlog = Backlog()
    entry = backlog.add(key("put 1"))
    backlog.remove(entry)
    assert (len(backlog), backlog.operations, backlog.last) == (0, 0, None)


def test_the_oldest_events_are_dropped_first_and_keys_never() -> None:
    backlog = filled(events("e1", 4), key("p"), events("e2", 4), events("e3", 4))

    assert backlog.drop_oldest_events(5) == 8
    assert [entry.text for entry in backlog.next_commit(LARGE).entries] == ["p", "e3"]
    assert backlog.drop_oldest_events(5) == 0
