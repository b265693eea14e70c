"""Times the matcher in the worker; the bench runs it as well, to know the outcome."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from edge_runtime.config_triggers import parse_trigger
from edge_runtime.pure.matcher import Matcher
from edge_runtime.types import Event

TYPE: Final = "bench"
RULES_A_PAGE: Final = 10
# One rule and one event in ten are those of one button, of whose products each has a rule.
SHARE: Final = 10
BUTTON: Final = ("Shop", "buy")
CLICKS_A_PAGE: Final = 5
EVENTS_A_VISIT: Final = 10
# From one event of a page to the next, however many pages there are.
PAGE_EVENT_MS: Final = 10_000
# Counts and sequences are under way when the first event is timed.
EVENTS_BEFORE: Final = 20
START_MS: Final = 1_800_000_000_000

_TIMED: dict[tuple[str, int], "Timed"] = {}


def pages_of(rules: int) -> int:
    """Return how many pages have rules, of so many rules."""
    return (rules - rules // SHARE) // RULES_A_PAGE


def plain_rules(count: int, where: Mapping[str, Any], tasks: Sequence[str]) -> list[dict[str, Any]]:
    """Return ``count`` triggers as a configuration has them.

    Two on every click of a page, of five kinds; those of the button come last.

    Args:
        count: A multiple of 100.
        where: A condition that every last step has.
        tasks: Names to share them out to.
    """
    on_pages = [_rule(index, where) for index in range(pages_of(count) * RULES_A_PAGE)]
    rules = [*on_pages, *button_rules(count // SHARE, where)]
    return [{"taskName": tasks[index % len(tasks)], **rule} for index, rule in enumerate(rules)]


def button_rules(count: int, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return triggers on one key, each of which waits for another product."""
    page, click = BUTTON
    pattern = {"type": TYPE, "pageId": page, "clickIds": [click]}
    return [{"events": [{**pattern, "where": {"sku": f"s{n}", **where}}]} for n in range(count)]


def _rule(index: int, where: Mapping[str, Any]) -> dict[str, Any]:
    page, click = f"Page{index // RULES_A_PAGE}", f"c{index % CLICKS_A_PAGE}"
    last = {"type": TYPE, "pageId": page, "clickIds": [click], "where": where}
    view = {"type": TYPE, "pageId": page, "needPv": True}
    match (index + index // CLICKS_A_PAGE) % 5:
        case 1:
            return {"events": [last], "count": {"times": 3, "withinMs": 600_000}}
        case 2:
            return {"sequence": [view, last]}
        case 3:
            before = {"type": TYPE, "pageId": page, "clickIds": [f"c{(index + 1) % CLICKS_A_PAGE}"]}
            return {"sequence": [view, before, last], "scope": "page"}
        case 4:
            return {"events": [last], "cooldownMs": 1_000, "sample": 0.5}
    return {"events": [last]}


def some_events(rules: int, count: int, start_ms: float) -> list[Event]:
    """Return visits to pages with rules: a view, then clicks, and some that nobody watches."""
    chosen = random.Random(int(start_ms))
    pages, products, events = pages_of(rules), rules // SHARE, []
    for number in range(count):
        step = number % EVENTS_A_VISIT
        if step == 0:
            page, load = f"Page{chosen.randrange(pages)}", f"{start_ms:.0f}{number}"
        ts = start_ms + number * PAGE_EVENT_MS / pages
        event_id = f"{ts:.0f}-{load}-{step}"
        if step == EVENTS_A_VISIT - 1:
            events.append(_button_event(event_id, ts, products, chosen))
            continue
        click = f"c{chosen.randrange(CLICKS_A_PAGE)}" if chosen.random() < 0.9 else "elsewhere"
        props = {"price": chosen.randrange(100)}
        events.append(Event(event_id, ts, TYPE, page, click if step else None, step == 0, props))
    return events


def button_events(rules: int, count: int, start_ms: float) -> list[Event]:
    """Return clicks on the button alone."""
    chosen = random.Random(int(start_ms))
    times = [start_ms + number for number in range(count)]
    return [_button_event(f"{ts:.0f}-1-0", ts, rules, chosen) for ts in times]


def _button_event(event_id: str, ts: float, products: int, chosen: random.Random) -> Event:
    page, click = BUTTON
    sku = f"s{chosen.randrange(products)}" if chosen.random() < 0.9 else "unknown"
    props = {"sku": sku, "price": chosen.randrange(100)}
    return Event(event_id, ts, TYPE, page, click, False, props)


class Timed:
    """A matcher and the events that it was given so far.

    Args:
        kind: ``mixed``, or ``button`` for rules and events of the button alone.
        rules: How many.
    """

    def __init__(self, kind: str, rules: int) -> None:
        where, tasks = {"price": {"gte": 20}}, [f"Task{n}" for n in range(50)]
        self._rules = rules
        self._events = some_events if kind == "mixed" else button_events
        if kind == "mixed":
            plain = plain_rules(rules, where, tasks)
        else:
            plain = [{"taskName": tasks[0], **rule} for rule in button_rules(rules, where)]
        self._matcher = Matcher([parse_trigger(rule, "bench") for rule in plain])
        self._now_ms = float(START_MS)
        self.mean_us(rules // RULES_A_PAGE * EVENTS_BEFORE)

    def each_us(self, count: int) -> tuple[list[float], int]:
        """Match ``count`` new events, each timed alone; return the times and the matches."""
        taken_us, matches = [], 0
        for event in self._next(count):
            started = time.perf_counter()
            found = self._matcher.match(event, event.ts)
            taken_us.append((time.perf_counter() - started) * 1e6)
            matches += len(found)
        return taken_us, matches

    def mean_us(self, count: int) -> tuple[float, int]:
        """Match ``count`` new events, timed together: no clock is read in between."""
        match, matches = self._matcher.match, 0
        events = self._next(count)
        started = time.perf_counter()
        for event in events:
            matches += len(match(event, event.ts))
        return (time.perf_counter() - started) * 1e6 / count, matches

    def _next(self, count: int) -> list[Event]:
        events = self._events(self._rules, count, self._now_ms)
        self._now_ms = events[-1].ts + 1
        return events


async def run(ask: Mapping[str, Any]) -> dict[str, Any]:
    """Run one round with the rules and as many events as were asked for."""
    which, events = (ask["kind"], ask["rules"]), ask["events"]
    if which not in _TIMED:
        _TIMED[which] = Timed(*which)
    each_us, first = _TIMED[which].each_us(events)
    mean_us, then = _TIMED[which].mean_us(events)
    return {"eachUs": each_us, "meanUs": mean_us, "matches": first + then}
