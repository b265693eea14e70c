"""A task that fails two files deep."""

from pathlib import Path
from typing import Final

DEEP_LINES: Final = [
    '  File "Deep/main.py", line 5, in run',
    '  File "Deep/parts/scores.py", line 7, in best',
    '  File "Deep/parts/scores.py", line 3, in share',
]
"""Its frames, as a traceback tells them."""

_TOML = """\
name = "Deep"
version = "1.0.0"
system_code = "test-shop"
business_code = "deep"
"""
_MAIN = """\
from .parts.scores import best


async def run(ctx, activation):
    return best([])
"""
_SCORES = """\
def share(scores):
    # The sum is nothing, and nothing divides by it.
    return 1 / sum(scores)


def best(scores):
    return share(scores) * max(scores, default=0)
"""


def write_deep_task(folder: Path) -> Path:
    """Write the task into ``folder``."""
    (folder / "parts").mkdir(parents=True)
    (folder / "task.toml").write_text(_TOML)
    (folder / "main.py").write_text(_MAIN)
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "scores.py").write_text(_SCORES)
    return folder
