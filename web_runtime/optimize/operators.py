"""Which operators the accelerators of onnxruntime-web have kernels for.

``operators.json`` holds the tables of the pinned npm package's own documentation. Make it again
after raising the version: ``python -m web_runtime.optimize.operators``.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx.defs

_FILE: Final = Path(__file__).with_name("operators.json")
_PACKAGE: Final = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web"
_ROW: Final = re.compile(r"\| *(\w+) *\| *([^|]+?) *\|(?:.*\|)? *([^|]*?) *\|$")
_DOMAIN: Final = re.compile(r"([\w.]+)\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a backend has a kernel, and what its documentation says of it."""

    listed: bool
    comment: str = ""


class OperatorTable:
    """The operators of one backend, ``webgpu`` or ``webnn``."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self._rows = rows

    def support(self, domain: str, operator: str, opset: int) -> Support:
        """Return whether the operator, as the opset defines it, is listed."""
        row = self._rows.get(operator)
        if row is None:
            return Support(False)
        spans = row["opsets"].get(domain or "ai.onnx", [])
        # A kernel serves from the opset that last changed its operator; lists begin with opset 7.
        versions = (_since(domain, operator, opset), opset)
        listed = any(
            low <= version <= (high or version) for low, high in spans for version in versions
        )
        return Support(listed, row["comment"])


def load_tables() -> tuple[str, dict[str, OperatorTable]]:
    """Return what the tables describe (name and version), and the tables by backend."""
    plain = json.loads(_FILE.read_text(encoding="utf-8"))
    return plain["source"], {
        backend: OperatorTable(plain[backend]) for backend in ("webgpu", "webnn")
    }


def read_documentation(package: Path) -> dict[str, Any]:
    """Return the contents of ``operators.json`` for an unpacked onnxruntime-web."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    tables = {
        backend: _rows((package / "docs" / f"{backend}-operators.md").read_text(encoding="utf-8"))
        for backend in ("webgpu", "webnn")
    }
    return {"source": f"onnxruntime-web {version}", **tables}


def _rows(markdown: str) -> dict[str, Any]:
    rows = {}
    for line in markdown.splitlines():
        match = _ROW.match(line)
        if match and _DOMAIN.search(match[2]):
            opsets = {domain: _spans(text) for domain, text in _DOMAIN.findall(match[2])}
            rows[match[1]] = {"opsets": opsets, "comment": match[3]}
    return rows


def _spans(text: str) -> list[tuple[int, int | None]]:
    """Read ``7-12, 13, 14+``; an open end is None."""
    spans = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.rstrip("+").partition("-")
        spans.append((int(low), None if part.endswith("+") else int(high or low)))
    return spans


def _since(domain: str, operator: str, opset: int) -> int:
    """Return the opset that last changed the operator; onnx does not know every domain."""
    try:
        return onnx.defs.get_schema(operator, opset, domain).since_version
    except onnx.defs.SchemaError:
        return opset


def _one_row_a_line(documentation: dict[str, Any]) -> str:
    parts = [f'"source": {json.dumps(documentation["source"])}']
    for backend in ("webgpu", "webnn"):
        rows = documentation[backend].items()
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows)
        parts.append(f'"{backend}": {{\n{lines}\n}}')
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    _FILE.write_text(_one_row_a_line(read_documentation(_PACKAGE)), encoding="utf-8")
