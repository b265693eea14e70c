"""Where tasks run in one interpreter: their code, one set of modules for each run, their ends."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import EdgeError, TaskError, TrustError
from ..host.ports.machines import Interpreter
from ..pure.task_failure import task_failure
from ..pure.task_output import plain_output
from ..task import Context
from ..types import Activation, JsonValue
from .code import TaskCode
from .modules import EntryError, Modules
from .output import Output
from .pace import Budget, Overdue, Pace

MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Brief:
    """What a room must know of a task.

    Attributes:
        name: For messages and file names.
        entry: ``module:function``.
        stateful: Its modules are kept between runs.
        timeout_ms: How long its import may take.
        memory_mb: What a run may make the heap grow by; None: no limit of its own.
        output_bytes: Limit of the JSON text that a run returns.
    """

    name: str
    entry: str
    stateful: bool = False
    timeout_ms: float = 5_000
    memory_mb: float | None = None
    output_bytes: int = MEBIBYTE


class Tenant:
    """One version of a task in a room."""

    def __init__(self, brief: Brief, files: Mapping[str, bytes]) -> None:
        self.brief = brief
        self.code = TaskCode(brief.name, files)
        self.function: Any = None


class Room:
    """Runs tasks side by side; a task's failure stays inside.

    Args:
        interpreter: Watches deadlines and knows the heap; None: nobody does.
        tell: Gets what tasks print and log: level, message, task name, run id.
        on_step: As for :class:`Pace`.
        on_import: As for :class:`Modules`.
    """

    def __init__(
        self,
        interpreter: Interpreter | None,
        tell: Callable[[str, str, str, str], None],
        on_step: Callable[[Budget], None] = lambda _: None,
        on_import: Callable[[], None] = lambda: None,
    ) -> None:
        self._interpreter = interpreter
        self.pace = Pace(interpreter, on_step)
        self._tell = tell
        self._on_step = on_step
        self._on_import = on_import
        self.output = Output(self._told)

    async def open(self, brief: Brief, files: Mapping[str, bytes]) -> Tenant:
        """Import a task's code.

        Raises:
            TrustError: ``bundle-invalid``: the entry is no ``async def run(ctx, activation)``.
            TaskError: The code failed while it was imported, or took longer than a run may.
        """
        tenant = Tenant(brief, files)
        budget = Budget("", brief.name, self.pace.now_ms() + brief.timeout_ms)
        # Who comes while it holds the interpreter is not to be taken for the cause.
        self._on_step(budget)
        try:
            await self._paced(tenant, self._import(tenant), budget)
        except EdgeError:
            self.close(tenant)
            raise
        return tenant

    async def run(
        self, tenant: Tenant, activation: Activation, context: Context, budget: Budget
    ) -> JsonValue:
        """Run a task once.

        Returns:
            What it returned, as plain data within the task's limit.

        Raises:
            TaskError: ``task-raised``, ``task-timeout``, ``task-memory-exceeded`` or
                ``task-output-invalid``.
            EdgeError: What the runtime refused the task and the task did not catch.
        """
        memory_mb = tenant.brief.memory_mb
        if memory_mb is not None and self._interpreter is not None:
            budget.heap_bytes = self._interpreter.heap_bytes() + int(memory_mb * MEBIBYTE)
        return await self._paced(tenant, self._perform(tenant, activation, context), budget)

    def close(self, tenant: Tenant) -> None:
        """Forget a task's code."""
        tenant.code.forget_lines()

    async def _perform(self, tenant: Tenant, activation: Activation, context: Context) -> JsonValue:
        function = await self._import(tenant)
        # The first run takes what the import made, the next ones begin afresh.
        if not tenant.brief.stateful:
            tenant.function = None
        returned = await function(context, activation)
        return plain_output(tenant.brief.name, returned, max_bytes=tenant.brief.output_bytes)

    async def _import(self, tenant: Tenant) -> Any:
        if tenant.function is None:
            modules = Modules(tenant.code, self.output.print, self._on_import)
            tenant.function = modules.entry(tenant.brief.entry)
        return tenant.function

    async def _paced(self, tenant: Tenant, work: Any, budget: Budget) -> Any:
        brief = tenant.brief
        budget.say = self.output.say
        try:
            return await self.pace.run(work, budget)
        except EntryError as error:
            raise _no_entry(brief, error) from error
        # A SystemExit must not end the worker.
        except BaseException as error:
            if _is_ours(error):
                raise
            failure = task_failure(brief.name, error, tenant.code.filenames)
            raise _cut_short(brief, failure, error) from error

    def _told(self, level: str, message: str, task_name: str, run_id: str) -> None:
        with self.pace.masked():
            self._tell(level, message, task_name, run_id)


def _is_ours(error: BaseException) -> bool:
    """Say whether the run is ended from outside; a task may raise CancelledError by itself."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, GeneratorExit)


def _cut_short(brief: Brief, failure: EdgeError, error: BaseException) -> EdgeError:
    """Name what ended the code, where that was a limit."""
    if isinstance(error, Overdue):
        return TaskError(
            "task-timeout",
            f"run of {brief.name}: expected to end by its deadline, got code that went on. It was "
            "interrupted where the traceback in details says: do less work, or raise the timeout.",
            failure.details,
        )
    if isinstance(error, MemoryError):
        return TaskError(
            "task-memory-exceeded",
            f"run of {brief.name}: expected to need no more memory than it may, got a MemoryError. "
            "Use less where the traceback in details says, or raise memory_mb.",
            failure.details,
        )
    return failure


def _no_entry(brief: Brief, error: EntryError) -> TrustError:
    return TrustError(
        "bundle-invalid",
        f"task {brief.name}, entry {brief.entry}: expected async def run(ctx, activation), "
        f"got {error}. Correct the entry in task.toml or the code, and pack again.",
        {"taskName": brief.name, "entry": brief.entry},
    )
