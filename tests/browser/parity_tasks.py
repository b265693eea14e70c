"""Tasks whose results must not depend on where they run.

CPython here is older than Pyodide's Python, on another platform with another C library. So they
leave out what is specified differently, or not at all:

* ``sum`` of floats (compensated from 3.12 on; ``math.fsum`` is exact), ``math.sin`` and others,
  and ``**`` of floats (their last bit is the C library's), the bytes of ``zlib.compress``;
* the order of sets and ``hash`` (32 or 64 bits, and a seed), ``sys.maxsize``, zones by name;
* characters that Unicode got after 14.0; the words of Python's own error messages;
* numpy's default integer, which is 32 bits wide in WebAssembly: dtypes are named. Products of
  floats are of small whole numbers, so that no order of adding them up rounds.
"""

from pathlib import Path
from typing import Any, Final

from .site import Task

FOLDER: Final = Path(__file__).parent / "tasks"


def _task(module: str, **options: Any) -> Task:
    # A busy machine may take long to load numpy, which is no difference.
    source = (FOLDER / f"{module}.py").read_text()
    return Task(module.capitalize(), module, source, {"timeout_ms": 30_000, **options})


TASKS: Final = [
    _task("plain"),
    _task("matrices", packages=["numpy"]),
    _task("store"),
    _task("model", models=["double"]),
    _task("fails"),
]
