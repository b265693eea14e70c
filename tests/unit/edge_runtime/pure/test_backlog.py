"""The backlog: order, what one commit takes, who is told, and what is let go."""

from edge_runtime.pure.backlog import Backlog, Entry
from edge_runtime.pure.segment import Operations, Route
from hypothesis import given
from hypothesis import strategies as st

LARGE = 1_000


def events(text: str, count: int = 1) -> Entry:
    return Entry({"sealed": text}, count)


def key(text: str, name: str = "k", route: Route = "sealed") -> Entry:
    return Entry({route: text}, key=name)


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
    assert commit.has_keys and not filled(events("e1")).next_commit(LARGE).has_keys


def test_only_the_last_operation_on_a_key_is_written() -> None:
    moved = Entry({"plain": "put 2", "sealed": "delete"}, key="k")
    commit = filled(key("put 1"), key("other", "o"), moved).next_commit(LARGE)

    assert commit.routes == {
        "sealed": Operations([], ["other", "delete"]),
        "plain": Operations([], ["put 2"]),
    }
    assert set(commit.keys) == {("sealed", "other"), ("plain", "put 2"), ("sealed", "delete")}


def test_a_route_that_only_had_what_was_replaced_is_not_written() -> None:
    commit = filled(key("put 1", route="plain"), key("put 2")).next_commit(LARGE)
    assert commit.routes == {"sealed": Operations([], ["put 2"])}


def test_a_commit_stops_at_its_size_but_takes_at_least_one() -> None:
    both = Entry({"plain": "y" * 25, "sealed": "y" * 25}, key="k")
    backlog = filled(events("x" * 50), both, events("z"))

    assert [len(backlog.next_commit(size).entries) for size in (10, 99, 100, 101)] == [1, 1, 2, 3]


def test_nothing_leaves_before_it_is_settled() -> None:
    backlog = filled(events("e1", 3))
    commit = backlog.next_commit(LARGE)
    late = backlog.add(events("e2", 2))
    assert backlog.operations == 5

    backlog.settle(commit)
    assert (backlog.operations, len(backlog), backlog.last) == (2, 1, late)
    assert commit.entries[0].settled and not late.settled


def test_who_waits_is_told_once_and_after_the_entries_have_left() -> None:
    backlog = filled(events("e1"))
    told: list[int] = []
    entry = backlog.entries[0]
    entry.waiters += [lambda: told.append(len(backlog))] * 2

    backlog.settle(backlog.next_commit(LARGE))
    entry.release()

    assert told == [0, 0]


def test_a_removed_entry_is_not_written() -> None:
    backlog = Backlog()
    entry = backlog.add(key("put 1"))
    backlog.remove(entry)
    assert (len(backlog), backlog.operations, backlog.last) == (0, 0, None)
    assert backlog.next_commit(LARGE).routes == {}


def test_what_is_cleared_is_gone_and_nobody_is_told() -> None:
    backlog = filled(events("e1"))
    told: list[str] = []
    backlog.entries[0].waiters.append(lambda: told.append("done"))
    backlog.clear()
    assert (len(backlog), backlog.operations, told) == (0, 0, [])


def test_the_oldest_events_are_dropped_first_and_keys_never() -> None:
    backlog = filled(events("e1", 4), key("p"), events("e2", 4), events("e3", 4))
    told: list[str] = []
    for entry in backlog.entries:
        entry.waiters.append(lambda text=entry.texts["sealed"]: told.append(text))

    assert backlog.drop_oldest_events(5) == 8
    assert [entry.texts["sealed"] for entry in backlog.entries] == ["p", "e3"]
    assert told == ["e1", "e2"]
    assert backlog.drop_oldest_events(5) == 0


names = st.sampled_from("abc")
entries = st.builds(events, st.text("e", min_size=1)) | st.builds(key, st.text(max_size=5), names)


@given(st.lists(entries), st.integers(1, 20))
def test_whatever_is_committed_together_the_last_word_on_a_key_is_the_same(
    added: list[Entry], max_chars: int
) -> None:
    backlog, batches, values = filled(*added), list[str](), dict[str, str]()
    while len(backlog):
        commit = backlog.next_commit(max_chars)
        for operations in commit.routes.values():
            batches += operations.batches
        values |= {entry.key: entry.texts["sealed"] for entry in commit.entries if entry.key}
        last = {entry.key: entry.texts["sealed"] for entry in commit.entries if entry.key}
        assert sorted(text for _, text in commit.keys) == sorted(last.values())
        backlog.settle(commit)

    assert batches == [entry.texts["sealed"] for entry in added if entry.key is None]
    assert values == {entry.key: entry.texts["sealed"] for entry in added if entry.key}
