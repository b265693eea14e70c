"""What of a configuration is in force and can change while the runtime runs."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .config import Config, SchedulerConfig, parse_config
from .errors import ConfigError, EdgeError
from .host.ports import Page
from .pure.config_checks import fixed_sections, not_kept, unknown_forced
from .pure.manifest import Manifest
from .pure.trace import Journal, described_task
from .runs import Runs
from .services.breakers import Breakers
from .services.catalogue import Catalogue
from .services.catalogue_versions import Change
from .services.container import LoadedTask
from .services.lanes import Lanes
from .services.triggers import Triggers
from .types import JsonValue


@dataclass(frozen=True, slots=True)
class InForce:
    """The tasks and triggers in force, and who remembers which versions those are."""

    tasks: Catalogue[LoadedTask]
    triggers: Triggers
    remember: Callable[[Iterable[Manifest]], None]


@dataclass(frozen=True, slots=True)
class Limited:
    """The parts that the scheduler's limits hold for."""

    breakers: Breakers
    runs: Runs
    lanes: Lanes

    def reconfigure(self, config: SchedulerConfig) -> None:
        """Use other limits from now on; what waits beyond them stays."""
        # Before the limits, which may start what is not to be called any more.
        self.breakers.reconfigure(config.breaker)
        self.runs.reconfigure(config)
        self.lanes.set_ageing(config.ageing_ms)


class Deployment:
    """The configuration's bundles, triggers and limits; part of the composition root.

    Args:
        config: The start's.
        in_force: Tasks and triggers; versions below those it remembers are refused.
        limited: Who obeys the scheduler's limits.
        page: Hears of what a reload could not do.
        journal: Hears of other configurations.
    """

    def __init__(
        self,
        config: Config,
        in_force: InForce,
        limited: Limited,
        page: Page,
        journal: Journal,
    ) -> None:
        self._config = config
        self._tasks, self._triggers = in_force.tasks, in_force.triggers
        self._remember = in_force.remember
        self._limited = limited
        self._page = page
        self._journal = journal
        self._changing = asyncio.Lock()

    def start(self) -> list[EdgeError]:
        """Take up the triggers of the loaded tasks; return what is missing of the configuration."""
        self._remember(task.manifest for task in self._tasks)
        unusable = self._triggers.start(self._config.triggers, self._tasks.names)
        return [*self._not_kept(), *unusable]

    def note_start(self, now_ms: float, life: str) -> None:
        """Tell the journal of the start: Unix time, the life's name, the tasks."""
        tasks = self._described(self._tasks.names)
        self._journal.note("start", nowMs=now_ms, life=life, tasks=tasks)

    async def reload(self) -> Change:
        """Fetch the bundles again, past any cache, and use those that are others.

        Runs whose code has begun finish on the version they have; all others, those that wait too,
        get the new one. What cannot be fetched, trusted or loaded stays in use as it was. A second
        call waits for the first.

        Returns:
            Which versions changed, and what could not be used, which is a log warning, too.

        Raises:
            RefusedError: ``runtime-stopped``.
        """
        async with self._changing:
            names = set(self._tasks.names)
            change = await self._exchange()
            if names != set(self._tasks.names):
                triggers = self._config.triggers
                change.problems.extend(self._triggers.swap(triggers, self._tasks.names))
        for problem in change.problems:
            self._page.notify("log", {"level": "warning", "message": f"reload: {problem}"})
        return change

    async def deploy(self, plain: JsonValue) -> list[EdgeError]:
        """Do as :meth:`reconfigure`, and use the bundles that are listed, as :meth:`reload` does.

        Without bundles those in use stay. While one of the new ones cannot be used, those that are
        listed no more stay, too.
        """
        config = parse_config(plain)
        async with self._changing:
            self._tasks.check_running()
            problems: list[EdgeError] = []
            if config.bundles and not self._tasks.lists(config.bundles):
                problems += (await self._exchange(config.bundles)).problems
                self._config = replace(self._config, bundles=config.bundles)
            return problems + self.reconfigure(plain)

    def reconfigure(self, plain: JsonValue) -> list[EdgeError]:
        """Use triggers and the scheduler's limits of another configuration from now on.

        Triggers that are equal in both keep what they remember, all others begin empty. Bundles,
        models and data rules stay.

        Args:
            plain: A whole configuration, as :func:`parse_config` takes it.

        Returns:
            What does not hold: triggers without a task, sections that would need another start.

        Raises:
            ConfigError: ``config-invalid``; nothing has changed.
        """
        config = parse_config(plain)
        self._journal.note("reconfigure", config=plain)
        problems = self._triggers.swap(config.triggers, self._tasks.names)
        self._limited.reconfigure(config.scheduler)
        problems += unknown_forced(config, self._config.models, self._tasks.names)
        problems += fixed_sections(self._config, config)
        self._config = replace(self._config, triggers=config.triggers, scheduler=config.scheduler)
        return [*problems]

    async def _exchange(self, bundles: Iterable[str] | None = None) -> Change:
        """Have other bundles in force; what was missing before is no problem of the change."""
        before = {str(each) for each in self._not_kept()}
        change = await self._tasks.reload(bundles)
        self._remember(task.manifest for task in self._tasks)
        change.problems.extend(each for each in self._not_kept() if str(each) not in before)
        changed = [each.task_name for each in change.changed if each.after is not None]
        if changed:
            self._journal.note("tasks", tasks=self._described(changed))
        return change

    def _described(self, names: Iterable[str]) -> list[JsonValue]:
        return [described_task(self._tasks.by_name(name).manifest) for name in names]

    def _not_kept(self) -> list[ConfigError]:
        return not_kept(self._config, [task.manifest for task in self._tasks])
