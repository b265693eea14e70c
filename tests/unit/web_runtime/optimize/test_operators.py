"""The operator tables are those of the pinned onnxruntime-web."""

import json
from pathlib import Path

import pytest

from web_runtime.optimize.operator_tables import UNDOCUMENTED, read_documentation
from web_runtime.optimize.operators import load_tables

ROOT = Path(__file__).parents[4]
PACKAGE = ROOT / "node_modules" / "onnxruntime-web"
FILE = ROOT / "web_runtime" / "optimize" / "operators.json"


def test_the_file_is_what_the_package_documents() -> None:
    documented = json.loads(json.dumps(read_documentation(PACKAGE)))

    assert json.loads(FILE.read_text(encoding="utf-8")) == documented
    assert len(documented["webgpu"]) > 100
    assert len(documented["webnn"]) > 100


@pytest.mark.parametrize("operator", UNDOCUMENTED)
def test_what_is_not_documented_is_in_the_build(operator: str) -> None:
    wasm = (PACKAGE / "dist" / "ort-wasm-simd-threaded.jspi.wasm").read_bytes()
    name = UNDOCUMENTED[operator] or operator

    assert f"onnxruntime::webgpu::{name}::".encode() in wasm


@pytest.mark.parametrize(
    ("backend", "domain", "operator", "opset", "listed"),
    [
        ("webnn", "", "Relu", 13, True),
        ("webnn", "", "Relu", 26, True),
        ("webnn", "", "Not", 13, True),
        ("webnn", "", "Gelu", 20, True),
        ("webnn", "", "Det", 13, False),
        ("webnn", "com.microsoft", "MatMulNBits", 1, True),
        ("webnn", "com.microsoft", "MatMul", 1, False),
        ("webgpu", "", "Clip", 15, True),
        ("webgpu", "com.microsoft", "FastGelu", 1, True),
        ("webgpu", "", "And", 13, False),
        ("webgpu", "", "TopK", 17, True),
    ],
)
def test_an_operator_is_looked_up_as_its_opset_defines_it(
    backend: str, domain: str, operator: str, opset: int, listed: bool
) -> None:
    _, tables = load_tables()

    assert tables[backend].support(domain, operator, opset).listed is listed
