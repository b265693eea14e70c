"""Which operators the accelerators of onnxruntime-web have kernels for.

``operators.json`` holds the tables of the pinned npm package's own documentation, see
:mod:`.operator_tables`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx.defs

_FILE: Final = Path(__file__).with_name("operators.json")


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


def _since(domain: str, operator: str, opset: int) -> int:
    """Return the opset that last changed the operator; onnx does not know every domain."""
    try:
        return onnx.defs.get_schema(operator, opset, domain).since_version
    except onnx.defs.SchemaError:
        return opset
