"""Tasks' code in one VM: sent with its packages, imported there, told how that ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..errors import EdgeError
from ..host.ports.machines import Wheel
from ..pure.log_lines import Lines, checked_level
from ..pure.package_claims import PackageClaims
from ..pure.vm_messages import error_of
from ..types import JsonValue
from .container_task import LoadedTask, plain_brief

Wheels = Callable[[LoadedTask], Awaitable[Sequence[tuple[str, Wheel | None]]]]
"""Brings the packages of a task: names, and the files of those that have one."""


class Opening:
    """One task's code.

    Attributes:
        task: The task.
        sent: Ends when the code is on its way; raises what its packages failed with.
        imported: Set when the VM has told how the latest import ended.
        lines: What it has said while it was imported.
    """

    def __init__(self, task: LoadedTask, sent: "asyncio.Task[None]") -> None:
        self.task = task
        self.sent = sent
        self.imported: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lines = Lines()

    @property
    def is_ready(self) -> bool:
        """Whether a run can begin at once."""
        return self.imported.done() and self.imported.exception() is None

    def told(self, error: Any) -> None:
        """Take in how an import ended: the first one, or one that a run made again."""
        if self.imported.done():
            self.imported = asyncio.get_running_loop().create_future()
        if error is None:
            self.imported.set_result(None)
        else:
            self.fail(error_of("", error))

    def fail(self, error: Exception) -> None:
        """Tell who waits for the import that there will be none."""
        if not self.imported.done():
            self.imported.set_exception(error)
            self.imported.exception()  # Nobody needs to wait.


class Openings:
    """All tasks' code in one VM.

    Args:
        wheels: Brings packages.
        post: Sends a message to the VM.
        say: Gets what tasks print while they are imported: level, text, task name.
    """

    def __init__(
        self,
        wheels: Wheels,
        post: Callable[[Mapping[str, JsonValue]], None],
        say: Callable[[str, str, str], None],
    ) -> None:
        self._wheels = wheels
        self._post = post
        self._say = say
        self._all: dict[int, Opening] = {}
        self._claims = PackageClaims()

    def __iter__(self) -> Iterator[Opening]:
        return iter([*self._all.values()])

    def knows(self, task: LoadedTask) -> bool:
        """Say whether the task's code is there and imported."""
        return task.number in self._all and self._all[task.number].is_ready

    def refuses(self, task: LoadedTask) -> bool:
        """Say whether other versions of the task's packages are there already."""
        return self._claims.conflict(task.manifest) is not None

    def of(self, task: LoadedTask) -> tuple[Opening, bool]:
        """Return the task's code, and whether it begins its way only now."""
        known = self._all.get(task.number)
        if known is not None:
            return known, False
        opening = Opening(task, asyncio.create_task(self._send(task)))
        self._all[task.number] = opening
        # A package that did not come may come next time.
        opening.sent.add_done_callback(lambda sent: self._sent(opening, sent))
        return opening, True

    def close(self, task: LoadedTask) -> None:
        """Forget a task's code."""
        if self._all.pop(task.number, None) is not None:
            self._post({"do": "close", "task": task.number})

    def named(self, task_name: str) -> Opening | None:
        """Return the code of the latest version of a task."""
        named = [each for each in self if each.task.manifest.name == task_name]
        return named[-1] if named else None

    def told(self, number: int, error: Any) -> None:
        """Take in how a task's import ended."""
        if number in self._all:
            self._all[number].told(error)

    def said(self, task_name: str, level: Any, message: Any) -> None:
        """Pass on a line that a task said while it was imported."""
        opening = self.named(task_name)
        with suppress(EdgeError):  # A level that there is not.
            line = opening and opening.lines.next(message, checked_level(level))
            if line:
                self._say(line["level"], line["message"], task_name)

    def _sent(self, opening: Opening, sent: "asyncio.Task[None]") -> None:
        failed = sent.cancelled() or sent.exception() is not None
        if failed and self._all.get(opening.task.number) is opening:
            del self._all[opening.task.number]

    async def _send(self, task: LoadedTask) -> None:
        wheels = await self._wheels(task)
        there = self._claims.names - self._claims.fresh(task.manifest)
        self._claims.add(task.manifest)
        packages = [
            [name, wheel and wheel.file, wheel and wheel.data]
            for name, wheel in wheels
            if name not in there
        ]
        message = {"do": "open", "task": task.number, "packages": packages}
        brief, files = plain_brief(task.brief()), dict(task.bundle.files)
        self._post({**message, "brief": brief, "files": files})
