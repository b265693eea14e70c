"""Rules for keys, and which records of the log nobody needs."""

import math

from edge_runtime.config import KeyRule
from edge_runtime.pure.retention import DAY_MS, Ledger, is_expired, rule_for

RULES = [KeyRule("ui.", encrypted=False), KeyRule("ui.cart.", max_age_days=2)]


def ledger(*records: tuple[float, list[list[object]]]) -> Ledger:
    made = Ledger()
    for newest_ts, operations in records:
        made.add(newest_ts, 0 if math.isinf(newest_ts) else 1, operations)
    return made


def put(key: str) -> list[object]:
    return ["put", key, 1, 0.0, True]


def test_the_longest_prefix_decides() -> None:
    assert rule_for(RULES, "ui.theme") is RULES[0]
    assert rule_for(RULES, "ui.cart.items") is RULES[1]
    assert rule_for(RULES, "profile") is None


def test_values_expire_by_their_own_rule_only() -> None:
    assert is_expired(RULES, "ui.cart.items", 0, 2 * DAY_MS + 1)
    assert not is_expired(RULES, "ui.cart.items", 0, 2 * DAY_MS)
    assert not is_expired(RULES, "ui.theme", 0, 1_000 * DAY_MS)
    assert not is_expired(RULES, "profile", 0, 1_000 * DAY_MS)


def test_leading_records_of_old_events_are_dead() -> None:
    records = ledger((10, []), (20, []), (30, []))
    assert records.leading_dead(25, lambda key: True) == 2
    assert records.leading_dead(math.inf, lambda key: True) == 3


def test_a_record_in_the_middle_is_kept_while_an_older_one_is() -> None:
    assert ledger((50, []), (10, [])).leading_dead(25, lambda key: True) == 0


def test_a_record_with_the_last_put_of_a_kept_key_is_needed() -> None:
    records = ledger((-math.inf, [put("a")]), (-math.inf, [put("a")]))
    assert records.leading_dead(math.inf, lambda key: True) == 1
    assert records.leading_dead(math.inf, lambda key: False) == 2


def test_a_delete_dies_with_the_puts_before_it() -> None:
    records = ledger((-math.inf, [put("a")]), (-math.inf, [["delete", "a"]]))
    assert records.leading_dead(math.inf, lambda key: False) == 2


def test_a_log_is_wasteful_when_most_of_it_is_superseded() -> None:
    records = ledger(*[(-math.inf, [put("a")])] * 1_100)
    assert records.is_wasteful(live=1)
    assert not records.is_wasteful(live=100)
