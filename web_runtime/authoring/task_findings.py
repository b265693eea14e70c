"""One remark about a task: where, what, what to do."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file with line and column, both from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        """Return the form that editors follow."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is the matter with a task.

    Attributes:
        place: Where.
        message: ``what: expected x, got y. What to do.``
        is_error: The task cannot run as it is; else a remark.
    """

    place: Place
    message: str
    is_error: bool = True

    @property
    def level(self) -> str:
        """``error`` or ``remark``."""
        return "error" if self.is_error else "remark"

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"{self.place}: {self.level}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form."""
        place = self.place
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "level": self.level,
            "message": self.message,
        }


def place_of(path: Path, node: ast.AST) -> Place:
    """Return where a node of a file begins."""
    return Place(str(path), getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)
