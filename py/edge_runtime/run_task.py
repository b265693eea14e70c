"""The version of a task that a run gets: the one that is loaded when its code begins."""

from collections.abc import Awaitable, Callable
from typing import Any

from .services.catalogue import Catalogue
from .services.container import Completion, LoadedTask
from .types import Activation


class RunTask:
    """Holds its task from the first step of the code to the last.

    Args:
        tasks: The tasks in force.
        activation: The run's request.
        run: Runs a task; gets the task, the activation and the run's lease.
    """

    __slots__ = ("_activation", "_run", "_task", "_tasks")

    def __init__(
        self,
        tasks: Catalogue[LoadedTask],
        activation: Activation,
        run: Callable[..., Awaitable[Completion]],
    ) -> None:
        self._tasks = tasks
        self._activation = activation
        self._run = run
        self._task: LoadedTask | None = None

    async def run(self, lease: Any) -> Completion:
        """Run the task; raises what ``run`` does, and ``task-unknown`` if it is gone."""
        task = self._task = self._tasks.hold(self._activation.task_name)
        try:
            return await self._run(task, self._activation, lease)
        finally:
            self._tasks.release(task)

    def failed(self) -> None:
        """Count a failure of the version that ran."""
        if self._task is not None:
            self._task.failed()
