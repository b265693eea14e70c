"""Which interpreter a bundle's bytecode is for, and which one this is."""

import importlib.util
import sys
from dataclasses import dataclass

from ..types import JsonValue


@dataclass(frozen=True, slots=True)
class Abi:
    """An interpreter: versions of Pyodide (or "") and Python, and its bytecode's magic in hex."""

    pyodide: str
    python: str
    magic: str

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the form that a manifest holds."""
        return {"pyodide": self.pyodide, "python": self.python, "magic": self.magic}

    def __str__(self) -> str:
        pyodide = f"Pyodide {self.pyodide}, " if self.pyodide else ""
        return f"{pyodide}Python {self.python}, bytecode {self.magic}"


def abi_here() -> Abi:
    """Return what this interpreter is."""
    pyodide: str = getattr(sys.modules.get("pyodide"), "__version__", "")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Abi(pyodide, python, importlib.util.MAGIC_NUMBER.hex())
