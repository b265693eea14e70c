"""vm.*: what a VM costs to start, to call, to lose and to have; beside PyScript in a worker."""

from pathlib import Path

from playwright.sync_api import Browser

from . import vm_bundle, vm_calls, vm_pyscript, vm_starts
from .report import Measure

PARTS = {"starts": vm_starts, "calls": vm_calls, "bundle": vm_bundle, "pyscript": vm_pyscript}


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure one part after the other."""
    return [
        figure for name, part in PARTS.items() for figure in part.measure(browser, folder / name)
    ]
