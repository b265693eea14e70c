"""The tasks of the configured bundles, by name and by the pair of codes that callers use.

Invariant: what is in force changes in one step. Until then new versions are made ready beside the
old ones; a version that runs hold stays until the last of them lets it go.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..config import LIMITS
from ..errors import ConfigError, EdgeError, RefusedError
from ..host.ports import Network
from ..pure.manifest import OpenedBundle
from .catalogue_versions import Change, Entry, HasManifest, changes, placed, unknown_codes

T = TypeVar("T", bound=HasManifest)


@dataclass(frozen=True, slots=True)
class _Arrived:
    bundle: OpenedBundle
    digest: bytes


class Catalogue(Generic[T]):
    """Fetches bundles and keeps the tasks that could be loaded; one bad bundle harms no other.

    Args:
        network: Where bundles come from.
        resolve: Turns a configured URL into an absolute one.
        open_bundle: Verifies what arrived.
        load: Makes a verified bundle runnable: the bundle, its URL, and whether it is to be tried
            now, as there is another one to stay with.
        unload: Forgets the code of a task that nothing runs any more.
    """

    def __init__(
        self,
        network: Network,
        resolve: Callable[[str], str],
        open_bundle: Callable[[bytes], Awaitable[OpenedBundle]],
        load: Callable[[OpenedBundle, str, bool], Awaitable[T]],
        unload: Callable[[T], None] = lambda task: None,
    ) -> None:
        self._network = network
        self._resolve = resolve
        self._open_bundle = open_bundle
        self._load = load
        self._unload = unload
        self._urls: dict[str, str] = {}
        self._entries: dict[str, Entry[T]] = {}
        self._by_name: dict[str, T] = {}
        self._by_codes: dict[tuple[str, str], T] = {}
        self._held: dict[int, int] = {}
        self._is_stopped = False

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_name.values())

    @property
    def names(self) -> KeysView[str]:
        """The tasks' names, in the order of the configuration."""
        return self._by_name.keys()

    async def load(self, urls: Iterable[str]) -> list[EdgeError]:
        """Fetch all bundles at once, then load them in the order of the configuration.

        Returns:
            What kept bundles out: ``network-failed``, ``bundle-invalid``, ``feature-missing``,
            ``task-raised``, or ``config-invalid`` for a second task of the same name or codes.
        """
        return (await self._exchange(self._located(urls), fresh=False)).problems

    async def reload(self, urls: Iterable[str] | None = None) -> Change:
        """Fetch bundles again, past any cache, and use those that are others; not two at once.

        Runs that hold a task finish on it. What cannot be fetched, trusted or loaded stays as it
        was, and while there is such a bundle, none is dropped for being listed no more.

        Args:
            urls: The bundles from now on; None: those there are.

        Raises:
            RefusedError: ``runtime-stopped``.
        """
        located = self._urls if urls is None else self._located(urls)
        return await self._exchange(located, fresh=True)

    def lists(self, urls: Iterable[str]) -> bool:
        """Say whether exactly these bundles, in this order, are in use or waited for."""
        return list(self._located(urls)) == list(self._urls)

    def by_name(self, name: str) -> T:
        """Return the task called ``name``; KeyError if there is none."""
        return self._by_name[name]

    def by_codes(self, system_code: str, business_code: str) -> T:
        """Return the task registered for a pair of codes.

        Raises:
            ConfigError: ``task-unknown`` listing the pairs there are.
        """
        task = self._by_codes.get((system_code, business_code))
        if task is None:
            raise unknown_codes(system_code, business_code, self._by_codes)
        return task

    def hold(self, name: str) -> T:
        """Return the task called ``name`` for a run's code, which must :meth:`release` it.

        Raises:
            ConfigError: ``task-unknown``: there is none any more.
        """
        task = self._by_name.get(name)
        if task is None:
            message = (
                f"task {name}: expected to be there when its run began, got a reload that took it "
                "away. Ask for a task that is loaded."
            )
            raise ConfigError("task-unknown", message, {"taskName": name})
        self._held[id(task)] = self._held.get(id(task), 0) + 1
        return task

    def release(self, task: T) -> None:
        """Let go of a task; the last to hold one that is not in force any more ends it."""
        self._held[id(task)] -= 1
        if not self._held[id(task)]:
            del self._held[id(task)]
            self._forget(task)

    def resource(self, name: str, path: str) -> bytes:
        """Return a file of a task's folder.

        Raises:
            ConfigError: ``config-invalid``: no such task; ``argument-invalid``: no such file.
        """
        task = self._by_name.get(name)
        if task is None:
            raise ConfigError(
                "config-invalid",
                f"a sealed model: expected a loaded task with its key, got {name!r}. Name one of "
                f"{', '.join(self._by_name) or 'none'}.",
                {"taskName": name},
            )
        return task.resource(path)

    def stop(self) -> None:
        """Change nothing any more; who holds all code forgets it."""
        self._is_stopped = True

    def check_running(self) -> None:
        """Refuse changes after :meth:`stop`, with ``runtime-stopped``."""
        if self._is_stopped:
            message = "reload: expected a running runtime, got one that was stopped. Start it."
            raise RefusedError("runtime-stopped", message)

    def _located(self, urls: Iterable[str]) -> dict[str, str]:
        """Return URLs as configured by what they lead to, which tells bundles apart."""
        located = {}
        for url in urls:
            try:
                located[self._resolve(url)] = url
            except EdgeError:  # Told when it is to be fetched.
                located[url] = url
        return located

    async def _exchange(self, urls: Mapping[str, str], *, fresh: bool) -> Change:
        found = await asyncio.gather(*(self._arrived(at, url, fresh) for at, url in urls.items()))
        problems = [each for each in found if isinstance(each, EdgeError)]
        ready: dict[str, Entry[T]] = {}
        try:
            for at, each in zip(urls, found, strict=True):
                if isinstance(each, _Arrived):
                    await self._make_ready(at, each, ready, problems, fresh)
            self.check_running()
        except BaseException:
            for entry in ready.values():
                self._unload(entry.task)
            raise
        return self._put_in_force(urls, ready, problems)

    async def _arrived(self, at: str, url: str, fresh: bool) -> _Arrived | EdgeError | None:
        """Return a bundle; None where the one in use has the same bytes."""
        try:
            data = await self._network.fetch(
                self._resolve(url),
                max_bytes=LIMITS.bundle_packed_bytes,
                timeout_ms=LIMITS.fetch_timeout_ms,
                fresh=fresh,
            )
            digest = hashlib.sha256(data).digest()
            if at in self._entries and self._entries[at].digest == digest:
                return None
            return _Arrived(await self._open_bundle(data), digest)
        except EdgeError as error:
            error.details.setdefault("bundle", url)
            return error

    async def _make_ready(
        self,
        at: str,
        arrived: _Arrived,
        ready: dict[str, Entry[T]],
        problems: list[EdgeError],
        fresh: bool,
    ) -> None:
        self.check_running()
        try:
            ready[at] = Entry(await self._load(arrived.bundle, at, fresh), arrived.digest)
        except EdgeError as error:
            problems.append(error)

    def _put_in_force(
        self, urls: Mapping[str, str], ready: dict[str, Entry[T]], problems: list[EdgeError]
    ) -> Change:
        former, made = self._by_name, [entry.task for entry in ready.values()]
        entries = placed(urls, ready, self._entries, problems)
        leaving = {at: url for at, url in self._urls.items() if at not in urls and at in entries}
        self._urls, self._entries = {**urls, **leaving}, entries
        tasks = [entry.task for entry in entries.values()]
        self._by_name = {task.manifest.name: task for task in tasks}
        self._by_codes = {
            (task.manifest.system_code, task.manifest.business_code): task for task in tasks
        }
        for task in [*former.values(), *made]:
            self._forget(task)
        return Change(changes(former, self._by_name), problems)

    def _forget(self, task: T) -> None:
        in_force = self._by_name.get(task.manifest.name) is task
        if not in_force and id(task) not in self._held and not self._is_stopped:
            self._unload(task)
