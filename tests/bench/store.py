"""store.*: our event store beside what a page would use instead, all on disk, all isolated."""

from pathlib import Path

from playwright.sync_api import Browser

from . import store_growth, store_ingest, store_open
from .report import Measure
from .store_site import profile_on_disk, store_site


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure all figures of the store in one profile."""
    site = store_site(folder / "site")
    with profile_on_disk(browser, folder / "profile") as context:
        ingest, peer_bytes = store_ingest.measure(context, site)
        return [
            *ingest,
            *store_open.measure(context, site, peer_bytes),
            *store_growth.measure(context, site),
        ]
