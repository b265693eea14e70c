"""Which versions of tasks are in force after bundles were loaded, and what that changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..errors import ConfigError, EdgeError
from ..pure.manifest import Manifest
from ..pure.package_claims import PackageClaims
from ..types import JsonValue


class HasManifest(Protocol):
    """A loaded task."""

    @property
    def manifest(self) -> Manifest: ...  # noqa: D102 - see the class
    def resource(self, path: str) -> bytes: ...  # noqa: D102 - see the class


T = TypeVar("T", bound=HasManifest)


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A task and the SHA-256 of the bundle it came in."""

    task: T
    digest: bytes


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task's versions before and after; None: there was, or is, no such task."""

    task_name: str
    before: str | None
    after: str | None

    def to_dict(self) -> dict[str, JsonValue]:
        """Return it as a page gets it."""
        return {"taskName": self.task_name, "from": self.before, "to": self.after}


@dataclass(frozen=True, slots=True)
class Change:
    """What a reload changed, and what it could not."""

    changed: list[TaskChange]
    problems: list[EdgeError]

    def to_dict(self) -> dict[str, JsonValue]:
        """Return it as a page gets it."""
        return {
            "changed": [each.to_dict() for each in self.changed],
            "problems": [each.to_dict() for each in self.problems],
        }


def placed(
    urls: Iterable[str],
    ready: dict[str, Entry[T]],
    former: Mapping[str, Entry[T]],
    problems: list[EdgeError],
) -> dict[str, Entry[T]]:
    """Return the entries from now on, by URL in the order of ``urls``, each name and codes once.

    A bundle with a new version takes it, unless its name or codes are another's, or another locks
    another version of a package; then it keeps the one it had. Entries whose URL is listed no more
    go, unless something did not work: what they were to be replaced with may be among that.

    Args:
        urls: The bundles.
        ready: New versions; those that are refused are taken out.
        former: What was in force.
        problems: Gets what is refused.
    """
    urls = list(urls)
    while (refused := _refused(urls, ready, former)) is not None:
        at, problem = refused
        del ready[at]
        problems.append(problem)
    entries = {at: each for at in urls if (each := ready.get(at) or former.get(at)) is not None}
    if problems:
        taken = _claims(entries.values())
        entries |= {
            at: entry
            for at, entry in former.items()
            if at not in entries and not taken & _claims([entry])
        }
    return entries


def changes(before: Mapping[str, T], after: Mapping[str, T]) -> list[TaskChange]:
    """Return one record for each task that came, went, or has another version."""
    return [
        TaskChange(name, _version(before.get(name)), _version(after.get(name)))
        for name in {**before, **after}
        if before.get(name) is not after.get(name)
    ]


def unknown_codes(
    system_code: str, business_code: str, known_codes: Iterable[tuple[str, str]]
) -> ConfigError:
    """Return a ``task-unknown`` listing the pairs there are."""
    pairs = [list(pair) for pair in known_codes]
    known = ", ".join("/".join(pair) for pair in pairs) or "none"
    return ConfigError(
        "task-unknown",
        f"infer: expected the codes of a loaded task ({known}), got "
        f"{system_code}/{business_code}. Correct the call, or add the task's bundle.",
        {"systemCode": system_code, "businessCode": business_code, "known": pairs},
    )


def _refused(
    urls: list[str], ready: Mapping[str, Entry[T]], former: Mapping[str, Entry[T]]
) -> tuple[str, ConfigError] | None:
    """Return the first bundle whose new version claims what another has, and why it is refused."""
    # Those that stay as they are first: they have nothing in common.
    staying = [former[at] for at in urls if at in former and at not in ready]
    taken, packages = _claims(staying), PackageClaims()
    for entry in staying:
        packages.add(entry.task.manifest)
    for at in urls:
        if at in ready:
            manifest, claims = ready[at].task.manifest, _claims([ready[at]])
            problem = _taken(manifest) if taken & claims else packages.conflict(manifest)
            if problem is not None:
                return at, problem
            taken |= claims
            packages.add(manifest)
    return None


def _claims(entries: Iterable[Entry[T]]) -> set[str | tuple[str, str]]:
    """Return names and pairs of codes."""
    claims: set[str | tuple[str, str]] = set()
    for entry in entries:
        manifest = entry.task.manifest
        claims |= {manifest.name, (manifest.system_code, manifest.business_code)}
    return claims


def _version(task: HasManifest | None) -> str | None:
    return None if task is None else task.manifest.version


def _taken(manifest: Manifest) -> ConfigError:
    codes = f"{manifest.system_code}/{manifest.business_code}"
    return ConfigError(
        "config-invalid",
        f"config at bundles: expected each task name and each pair of codes once, got a second "
        f"{manifest.name} ({codes}). Remove one of the bundles; the first one is used.",
        {"taskName": manifest.name, "codes": codes},
    )
