"""Makes ``operators.json`` of the pinned onnxruntime-web's own documentation.

Run it after raising the version: ``python -m web_runtime.optimize.operator_tables``.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).with_name("operators.json")
_PACKAGE: Final = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web"
# The build's wasm has these kernels though its documentation does not name them.
UNDOCUMENTED: Final = {"GRU": "Gru", "LSTM": "Lstm", "ScatterElements": "", "TopK": ""}
_ROW: Final = re.compile(r"\| *(\w+) *\| *([^|]+?) *\|(?:.*\|)? *([^|]*?) *\|$")
_DOMAIN: Final = re.compile(r"([\w.]+)\(([^)]*)\)")


def read_documentation(package: Path) -> dict[str, Any]:
    """Return the contents of ``operators.json`` for an unpacked onnxruntime-web."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    tables = {
        backend: _rows((package / "docs" / f"{backend}-operators.md").read_text(encoding="utf-8"))
        for backend in ("webgpu", "webnn")
    }
    for operator in UNDOCUMENTED:
        tables["webgpu"].setdefault(operator, {"opsets": {"ai.onnx": [(1, None)]}, "comment": ""})
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


def _one_row_a_line(documentation: dict[str, Any]) -> str:
    parts = [f'"source": {json.dumps(documentation["source"])}']
    for backend in ("webgpu", "webnn"):
        rows = documentation[backend].items()
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows)
        parts.append(f'"{backend}": {{\n{lines}\n}}')
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    _FILE.write_text(_one_row_a_line(read_documentation(_PACKAGE)), encoding="utf-8")
