"""Which tasks an event activates, looked up in time independent of the number of triggers.

A pattern matches a view of its page if it needs page views, and a click on its page whose id it
lists. Invariant: one event activates a task at most once, in the order of the configuration.

>>> pattern = EventPattern("mta", "Home", need_pv=False, click_ids=("item",))
>>> index = TriggerIndex([Trigger("RankFeed", (pattern,))])
>>> index.match(Event("1", 0, "mta", "Home", click_id="item"))
('RankFeed',)
"""

from collections.abc import Iterable, Iterator

from ..config import EventPattern, Trigger
from ..types import Event

_Key = tuple[str, str, str | None]


class TriggerIndex:
    """Triggers by what completes them: (type, page, click id), or None for a page view."""

    def __init__(self, triggers: Iterable[Trigger]) -> None:
        tasks: dict[_Key, dict[str, None]] = {}
        count = 0
        for trigger in triggers:
            count += 1
            for pattern in trigger.events:
                for key in _keys_of(pattern):
                    tasks.setdefault(key, {})[trigger.task_name] = None
        self._tasks: dict[_Key, tuple[str, ...]] = {key: tuple(tasks[key]) for key in tasks}
        self._count = count

    def __len__(self) -> int:
        return self._count

    def match(self, event: Event) -> tuple[str, ...]:
        """Return the names of the tasks that ``event`` activates."""
        if not event.pv and event.click_id is None:
            return ()
        click_id = None if event.pv else event.click_id
        return self._tasks.get((event.type, event.page_id, click_id), ())


def _keys_of(pattern: EventPattern) -> Iterator[_Key]:
    if pattern.need_pv:
        yield pattern.type, pattern.page_id, None
    for click_id in pattern.click_ids:
        yield pattern.type, pattern.page_id, click_id
