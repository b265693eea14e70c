"""Packages that are installed beside the runtime."""

from collections.abc import Sequence
from importlib.util import find_spec

from ...errors import HostError


class InstalledPackages:
    """Implements ``Packages``: nothing is fetched, what is missing is refused."""

    async def load(self, names: Sequence[str]) -> None:
        """Check that every package can be imported."""
        missing = [name for name in names if find_spec(name.replace("-", "_")) is None]
        if missing:
            raise HostError(
                "feature-missing",
                f"packages: expected installed ones, got {', '.join(missing)}. Install them.",
                {"packages": missing},
            )
