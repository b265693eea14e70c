"""Where tasks live: loads their code, runs it, and turns whatever leaves it into data or errors."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import EdgeError, TrustError
from ..host.ports import Packages
from ..pure.manifest import Manifest, OpenedBundle
from ..pure.statistics import TaskStatistics
from ..pure.task_failure import task_failure
from ..pure.task_output import plain_output
from ..types import Activation, Backend, JsonValue
from .container_context import Lease, RunContext, Surroundings
from .container_loader import EntryError, TaskImporter, TaskPackage, resolve_entry


@dataclass(eq=False, slots=True)
class LoadedTask:
    """A task that can run: its bundle, its code, its entry function, and how its runs ended."""

    bundle: OpenedBundle
    package: TaskPackage
    function: Any
    runs: int = 0
    failures: int = 0

    @property
    def manifest(self) -> Manifest:
        """Return the bundle's manifest."""
        return self.bundle.manifest

    def resource(self, path: str) -> bytes:
        """Return a file of its folder, as :meth:`OpenedBundle.resource`."""
        return self.bundle.resource(path)

    def failed(self) -> None:
        """Count a run that raised or took too long."""
        self.failures += 1

    def statistics(self) -> TaskStatistics:
        """Return version and counts."""
        version = self.bundle.manifest.version
        return TaskStatistics(version=version, runs=self.runs, failures=self.failures)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a run returned, and what its inference cost and where it ran."""

    value: JsonValue
    infer_ms: float
    backends: Mapping[str, Backend]


class Container:
    """Holds the loaded tasks' code; a task's failure stays inside."""

    def __init__(self, around: Surroundings, packages: Packages) -> None:
        self._around = around
        self._packages = packages
        self._importer = TaskImporter()

    async def load(self, bundle: OpenedBundle) -> LoadedTask:
        """Import a task's code, after the packages its manifest asks for.

        Raises:
            HostError: ``feature-missing``: this build ships no such package.
            TrustError: ``bundle-invalid``: the entry is no ``async def run(ctx, activation)``.
            TaskError: ``task-raised``: the code failed while it was imported.
        """
        if bundle.manifest.packages:
            await self._packages.load([each.name for each in bundle.manifest.packages])
        package = TaskPackage(bundle.manifest.name, bundle.files)
        self._importer.add(package)
        try:
            return LoadedTask(bundle, package, _entry_function(bundle.manifest, package))
        except EdgeError:
            self._importer.remove(package)
            raise

    async def run(self, task: LoadedTask, activation: Activation, lease: Lease) -> Completion:
        """Run ``task`` once; the caller cancels it when the lease's budget is used up.

        Raises:
            TaskError: ``task-raised`` or ``task-output-invalid``.
            EdgeError: What the runtime refused the task and the task did not catch.
        """
        context = RunContext(task.bundle, activation, self._around, lease)
        task.runs += 1
        try:
            returned = await task.function(context, activation)
            value = plain_output(task.manifest.name, returned, max_bytes=task.manifest.output_bytes)
        except BaseException as error:
            if _is_ours(error):
                raise
            raise task_failure(task.manifest.name, error, task.package.filenames) from error
        return Completion(value, context.infer_ms, context.backends)

    def stop(self) -> None:
        """Forget all tasks' code."""
        self._importer.clear()


def _is_ours(error: BaseException) -> bool:
    """Say whether the run is ended from outside; a task may raise CancelledError by itself."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, GeneratorExit)


def _entry_function(manifest: Manifest, package: TaskPackage) -> Any:
    try:
        return resolve_entry(package, manifest.entry)
    except EntryError as error:
        raise _no_entry(manifest, error) from error
    # A SystemExit at module level must not end the worker.
    except BaseException as error:
        raise task_failure(manifest.name, error, package.filenames) from error


def _no_entry(manifest: Manifest, error: EntryError) -> TrustError:
    return TrustError(
        "bundle-invalid",
        f"task {manifest.name}, entry {manifest.entry}: expected async def run(ctx, activation), "
        f"got {error}. Correct the entry in task.toml or the code, and pack again.",
        {"taskName": manifest.name, "entry": manifest.entry},
    )
