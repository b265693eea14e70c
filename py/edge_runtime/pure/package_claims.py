"""Which packages one interpreter has, and for which task: it cannot hold two versions of one."""

from ..errors import ConfigError
from .manifest_fields import Manifest, Package


class PackageClaims:
    """What was installed into one interpreter, by whom."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Package, str]] = {}

    def claim(self, manifest: Manifest) -> frozenset[str]:
        """Note that a task's packages are installed now, all or none.

        Returns:
            The names of those that were not there yet.

        Raises:
            ConfigError: ``config-invalid``: another task has locked another version of one.
        """
        for package in manifest.packages:
            held, owner = self._held.get(package.name, (package, ""))
            if held != package:
                raise _conflict(manifest.name, package, owner, held)
        new = {each.name: (each, manifest.name) for each in manifest.packages}
        fresh = frozenset(new.keys() - self._held.keys())
        self._held = {**new, **self._held}
        return fresh


def _conflict(task_name: str, package: Package, owner: str, held: Package) -> ConfigError:
    return ConfigError(
        "config-invalid",
        f"package {package.name}: expected one version for tasks that share an interpreter, got "
        f"{_told(held)} for {owner} and {_told(package)} for {task_name}. Pack both tasks with "
        "the same one.",
        {"package": package.name, "tasks": [owner, task_name]},
    )


def _told(package: Package) -> str:
    if package.file is None:
        return "the runtime's"
    return f"{package.version} ({package.file}, sha256 {str(package.sha256)[:12]}…)"
