"""The backlog: order, what one commit takes, who is told, and what is let go."""

from collections.abc import Iterator
from typing import Any

from edge_runtime.config import LIMITS
from edge_runtime.pure import segment
from edge_runtime.pure.backlog import Backlog, Commit, Entry
from edge_runtime.pure.events import is_too_large
from edge_runtime.pure.segment import Operations, Route
from hypothesis import given, settings
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

    assert backlog.drop_oldest_events(5, LARGE) == 8
    assert [entry.texts["sealed"] for entry in backlog.entries] == ["p", "e3"]
    assert told == ["e1", "e2"]
    assert backlog.drop_oldest_events(5, LARGE) == 0


def test_events_are_dropped_for_the_length_of_their_texts_too() -> None:
    backlog = filled(key("p" * 50), events("x" * 6), events("y" * 4), events("z" * 7))

    assert backlog.drop_oldest_events(LARGE, 17) == 0
    assert backlog.drop_oldest_events(LARGE, 11) == 1
    assert backlog.drop_oldest_events(LARGE, 6) == 2
    assert [entry.key for entry in backlog.entries] == ["k"]


def test_what_was_dropped_while_it_was_written_is_counted_once() -> None:
    backlog = filled(events("e1", 3), events("e2", 2))
    commit = backlog.next_commit(2)
    backlog.drop_oldest_events(2, LARGE)
    backlog.settle(commit)
    assert (backlog.operations, len(backlog)) == (2, 1)
    assert backlog.drop_oldest_events(2, 2) == 0


class Naive:
    """The backlog as a list that is counted anew each time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def drop(self, max_events: int, max_chars: int) -> int:
        dropped = 0
        while batches := [entry for entry in self.entries if entry.key is None]:
            chars = sum(entry.chars for entry in batches)
            if sum(entry.count for entry in batches) <= max_events and chars <= max_chars:
                break
            dropped += batches[0].count
            self.entries.remove(batches[0])
        return dropped


small = st.integers(0, 12)
steps = st.one_of(
    st.tuples(st.just("events"), st.integers(1, 4), st.integers(1, 9)),
    st.tuples(st.just("key"), st.integers(1, 4), small),
    st.tuples(st.sampled_from(["drop", "commit", "settle", "remove"]), small, small),
    st.tuples(st.just("clear"), st.just(0), st.just(0)),
)


@given(st.lists(steps, max_size=40))
def test_the_backlog_is_a_list_that_is_not_counted_anew(done: list[tuple[str, int, int]]) -> None:
    backlog, naive = Backlog(), Naive()
    commit = backlog.next_commit(LARGE)
    for step, first, second in done:
        if step == "events":
            naive.entries.append(backlog.add(events("e" * second, first)))
        elif step == "key":
            route: Route = "plain" if second % 2 else "sealed"
            naive.entries.append(backlog.add(key("p" * second, str(first), route)))
        elif step == "drop":
            assert backlog.drop_oldest_events(first, second) == naive.drop(first, second)
        elif step == "commit":
            commit = backlog.next_commit(first)
            assert list(commit.entries) == naive.entries[: len(commit.entries)]
        elif step == "settle":
            backlog.settle(commit)
            naive.entries = [each for each in naive.entries if each not in commit.entries]
        elif step == "remove" and naive.entries:
            backlog.remove(naive.entries.pop(first % len(naive.entries)))
        elif step == "clear":
            backlog.clear()
            naive.entries.clear()
        assert list(backlog.entries) == naive.entries and len(backlog) == len(naive.entries)
        assert backlog.last is (naive.entries[-1] if naive.entries else None)
        assert backlog.operations == sum(entry.count for entry in naive.entries)
        for name in map(str, range(1, 5)):
            routes = {each for entry in naive.entries if entry.key == name for each in entry.texts}
            assert backlog.routes_of(name) == routes


class Counted(dict[Route, str]):
    """Texts that know how often they were looked at."""

    looks = 0

    def values(self) -> Any:
        self.looks += 1
        return super().values()


def test_a_batch_is_looked_at_a_few_times_however_long_it_waits() -> None:
    backlog = Backlog()
    texts = [Counted({"sealed": "e"}) for _ in range(500)]
    for each in texts:
        backlog.add(Entry(each))
        backlog.drop_oldest_events(400, LARGE)
    assert max(each.looks for each in texts) <= 2


four_bytes = st.integers(1, LIMITS.commit_chars).map(lambda chars: f'["{chr(0x1F642) * chars}"]')


@given(st.lists(four_bytes, min_size=1, max_size=4))
@settings(max_examples=10)
def test_a_commit_can_be_read_at_the_next_start_whatever_its_characters(texts: list[str]) -> None:
    for commit in commits_of(*texts):
        read_again(commit)


def test_a_commit_of_the_largest_batch_can_be_read_at_the_next_start() -> None:
    fits = f'["{chr(0x1F642) * (LIMITS.batch_bytes // 4 - 1)}"]'
    assert not is_too_large(fits) and is_too_large(fits + " ")
    for commit in commits_of("[1]", fits, fits, "[2]"):
        read_again(commit)


def commits_of(*texts: str) -> Iterator[Commit]:
    backlog = filled(*(events(text) for text in texts))
    while len(backlog):
        commit = backlog.next_commit(LIMITS.commit_chars)
        yield commit
        backlog.settle(commit)


def read_again(commit: Commit) -> None:
    for operations in commit.routes.values():
        text = segment.decode(segment.encode(operations), max_bytes=LIMITS.segment_bytes)
        assert len(text) > sum(map(len, operations.batches))


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
