"""The tasks of the configured bundles, by name and by the pair of codes that callers use."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, KeysView
from typing import Generic, Protocol, TypeVar

from ..config import LIMITS
from ..errors import ConfigError, EdgeError
from ..host.ports import Network
from ..pure.manifest import Manifest, OpenedBundle


class HasManifest(Protocol):
    """A loaded task."""

    @property
    def manifest(self) -> Manifest: ...  # noqa: D102 - see the class
    def resource(self, path: str) -> bytes: ...  # noqa: D102 - see the class


T = TypeVar("T", bound=HasManifest)


class Catalogue(Generic[T]):
    """Fetches bundles and keeps the tasks that could be loaded; one bad bundle harms no other.

    Args:
        network: Where bundles come from.
        resolve: Turns a configured URL into an absolute one.
        open_bundle: Verifies what arrived.
        load: Makes a verified bundle runnable.
    """

    def __init__(
        self,
        network: Network,
        resolve: Callable[[str], str],
        open_bundle: Callable[[bytes], Awaitable[OpenedBundle]],
        load: Callable[[OpenedBundle], Awaitable[T]],
    ) -> None:
        self._network = network
        self._resolve = resolve
        self._open_bundle = open_bundle
        self._load = load
        self._by_name: dict[str, T] = {}
        self._by_codes: dict[tuple[str, str], T] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_name.values())

    @property
    def names(self) -> KeysView[str]:
        """The tasks' names, in the order in which they were loaded."""
        return self._by_name.keys()

    async def load(self, urls: Iterable[str]) -> list[EdgeError]:
        """Fetch all bundles at once, then load them in the order of the configuration.

        Returns:
            What kept bundles out: ``network-failed``, ``bundle-invalid``, ``feature-missing``,
            ``task-raised``, or ``config-invalid`` for a second task of the same name or codes.
        """
        opened = await asyncio.gather(*(self._open(url) for url in urls))
        problems: list[EdgeError] = []
        for bundle in opened:
            problem = bundle if isinstance(bundle, EdgeError) else await self._add(bundle)
            if problem is not None:
                problems.append(problem)
        return problems

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
            pairs = [list(pair) for pair in self._by_codes]
            known = ", ".join("/".join(pair) for pair in pairs) or "none"
            raise ConfigError(
                "task-unknown",
                f"infer: expected the codes of a loaded task ({known}), got "
                f"{system_code}/{business_code}. Correct the call, or add the task's bundle.",
                {"systemCode": system_code, "businessCode": business_code, "known": pairs},
            )
        return task

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

    async def _open(self, url: str) -> OpenedBundle | EdgeError:
        try:
            data = await self._network.fetch(
                self._resolve(url),
                max_bytes=LIMITS.bundle_packed_bytes,
                timeout_ms=LIMITS.fetch_timeout_ms,
            )
            return await self._open_bundle(data)
        except EdgeError as error:
            error.details.setdefault("bundle", url)
            return error

    async def _add(self, bundle: OpenedBundle) -> EdgeError | None:
        manifest = bundle.manifest
        codes = manifest.system_code, manifest.business_code
        if manifest.name in self._by_name or codes in self._by_codes:
            return _taken(manifest)
        try:
            task = await self._load(bundle)
        except EdgeError as error:
            return error
        self._by_name[manifest.name] = self._by_codes[codes] = task
        return None


def _taken(manifest: Manifest) -> ConfigError:
    codes = f"{manifest.system_code}/{manifest.business_code}"
    return ConfigError(
        "config-invalid",
        f"config at bundles: expected each task name and each pair of codes once, got a second "
        f"{manifest.name} ({codes}). Remove one of the bundles; the first one is used.",
        {"taskName": manifest.name, "codes": codes},
    )
