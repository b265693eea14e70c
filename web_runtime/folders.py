"""Replaces a folder as a whole."""

import shutil
from pathlib import Path


def replace_folder(target: Path, fresh: Path) -> None:
    """Put ``fresh`` in the place of ``target``, if there is one.

    What was there moves to the folder that held ``fresh``, a temporary one: deleting it in place
    could end halfway, and the new files would go inside what is left of the old.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.move(target, fresh.with_name(f"{fresh.name}-replaced"))
    shutil.move(fresh, target)
