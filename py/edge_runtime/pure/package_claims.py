"""Which packages one interpreter has, and for which task: it cannot hold two versions of one."""

from ..errors import ConfigError
from .manifest_fields import Manifest, Package


class PackageClaims:
    """What was installed into one interpreter, by whom."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Package, str]] = {}

    @property
    def names(self) -> frozenset[str]:
        """What is there."""
        return frozenset(self._held)

    def conflict(self, manifest: Manifest) -> ConfigError | None:
        """Return why a task's packages cannot be installed beside those that are there."""
        for package in manifest.packages:
            held, owner = self._held.get(package.name, (package, ""))
            if held != package:
                return _conflict(manifest.name, package, owner, held)
        return None

    def fresh(self, manifest: Manifest) -> frozenset[str]:
        """Return the names of those of a task's packages that are not there yet.

        Raises:
            ConfigError: ``config-invalid``: another task has locked another version of one.
        """
        conflict = self.conflict(manifest)
        if conflict is not None:
            raise conflict
        return frozenset(each.name for each in manifest.packages) - self.names

    def add(self, manifest: Manifest) -> None:
        """Note that a task's packages are there now."""
        for each in manifest.packages:
            self._held.setdefault(each.name, (each, manifest.name))


def _conflict(task_name: str, package: Package, owner: str, held: Package) -> ConfigError:
    return ConfigError(
        "config-invalid",
        f"package {package.name}: expected one version for tasks that share an interpreter, got "
        f"{_told(held)} for {owner} and {_told(package)} for {task_name}. Pack both tasks with "
        "the same one and reload both; beside the core start the page again after that.",
        {"package": package.name, "tasks": [owner, task_name]},
    )


def _told(package: Package) -> str:
    if package.file is None:
        return "the runtime's"
    return f"{package.version} ({package.file}, sha256 {str(package.sha256)[:12]}…)"
