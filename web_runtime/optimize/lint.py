"""What a backend of onnxruntime-web, or a mini-program's own inference, cannot run of a model.

Relied on: operator tables of onnxruntime-web's documentation; versions and dtypes tried with its
builds; the mini-program host's documented tensor types. Mini-program operators are not checked.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

import onnx.defs

from .findings import Finding, Graph, several, spelled
from .operators import OperatorTable, load_tables
from .source import Model

MAX_OPSET: Final = 26
MAX_IR_VERSION: Final = 13
_MINI_PROGRAM_DTYPES: Final = ("uint8", "int8", "uint32", "int32", "float32")
_WITHOUT_KERNELS: Final = ("float64", "int16", "uint16", "string", "bfloat16")
# The engine takes these out of a graph before it looks for kernels.
_ELIMINATED: Final = ("Identity", "Dropout")
_MIB: Final = 1024 * 1024
_MINI_PROGRAM_MAX_BYTES: Final = 200 * _MIB
_PAGE_MAX_BYTES: Final = 1024 * _MIB
_QUOTED: Final = re.compile(r"'(\w+)'")


def lint(model: Model) -> list[Finding]:
    """Return what each host cannot do with the model, errors first."""
    graph = Graph(model)
    checks: tuple[Callable[[Graph], Iterator[Finding]], ...] = (
        _versions,
        _ends,
        _inner_dtypes,
        _free_dimensions,
        _operators,
        _files,
    )
    found = [finding for check in checks for finding in check(graph)]
    return sorted(found, key=lambda finding: not finding.is_error)


def _versions(graph: Graph) -> Iterator[Finding]:
    source, _ = load_tables()
    opset, ir_version = graph.opsets.get("", 0), graph.model.proto.ir_version
    for name, limit, given in (
        ("opset", MAX_OPSET, opset),
        ("IR version", MAX_IR_VERSION, ir_version),
    ):
        if given > limit:
            what = f"{name} {given}; {source} opens {limit} at most"
            remedy = "Export with an older opset, or use onnx.version_converter."
            yield Finding("every", "model", what, remedy, is_error=True)


def _ends(graph: Graph) -> Iterator[Finding]:
    for side, spec in graph.ends:
        where = f"{side} {spec.name}"
        if spec.dtype not in _MINI_PROGRAM_DTYPES:
            known = ", ".join(_MINI_PROGRAM_DTYPES)
            instead = "int32" if "int" in spec.dtype else "float32"
            remedy = f"Cast to or from {instead} in the graph, for a file of its own."
            yield Finding("mini-program", where, f"{spec.dtype}; it takes {known}", remedy)
        if spec.dtype in ("int64", "uint64"):
            what = f"{spec.dtype}; many devices lack it, there it is narrowed or runs on wasm"
            remedy = "Use int32 where its values fit."
            yield Finding("accelerators", where, what, remedy)
        if spec.dtype in _WITHOUT_KERNELS:
            yield Finding(
                "accelerators",
                where,
                f"{spec.dtype}; their builds have next to no kernels for it",
                "Use float32 or int32, or leave the model to wasm: `forbid`.",
            )


def _inner_dtypes(graph: Graph) -> Iterator[Finding]:
    ends = {spec.name for _, spec in graph.ends}
    by_dtype: dict[str, list[str]] = {}
    for node in graph.running:
        dtypes = {graph.dtypes.get(name) for name in node.output if name not in ends}
        for dtype in dtypes & set(_WITHOUT_KERNELS):
            by_dtype.setdefault(str(dtype), []).append(spelled(node))
    for dtype, names in sorted(by_dtype.items()):
        what = f"computes in {dtype}; their builds have next to no kernels for it"
        yield Finding("accelerators", several(names), what, "Compute in float32 or int32.")
    ml = [spelled(node) for node in graph.running if node.domain == "ai.onnx.ml"]
    if ml:
        what = "operators of ai.onnx.ml; the accelerators' builds have none of them"
        yield Finding("accelerators", several(ml), what, "Leave the model to wasm: `forbid`.")


def _free_dimensions(graph: Graph) -> Iterator[Finding]:
    places: dict[str, list[str]] = {}
    for value in graph.model.proto.graph.input:
        sizes = value.type.tensor_type.shape.dim
        for axis, size in enumerate(sizes):
            if not size.HasField("dim_value") and size.dim_param not in graph.model.dimensions:
                places.setdefault(size.dim_param, []).append(f"input {value.name}, axis {axis}")
    for name, where in places.items():
        fix = (
            f"Fix it with `--dimension {name}=SIZE`, in the golden file and the configuration, too."
            if name
            else "It has no name: fix it with onnxruntime.tools.make_dynamic_shape_fixed."
        )
        what = f"free dimension {name or 'without a name'}"
        yield Finding("webnn", several(where), f"{what}; WebNN runs nothing with one", fix)
        yield Finding("mini-program", several(where), what, "Name its size in `typicalShape`.")


def _operators(graph: Graph) -> Iterator[Finding]:
    source, tables = load_tables()
    for backend, table in tables.items():
        absent: dict[str, list[str]] = {}
        for node in graph.running:
            opset = graph.opsets.get(node.domain, 1)
            if node.op_type in _ELIMINATED:
                continue
            if not table.support(node.domain, node.op_type, opset).listed:
                absent.setdefault(node.op_type, []).append(spelled(node))
        for operator, names in sorted(absent.items()):
            what = f"{operator}: not among the kernels {source} documents; wasm may have to run it"
            yield Finding(backend, several(names), what, "Replace it, or measure what it costs.")
    yield from _constants(graph, tables["webnn"])


def _constants(graph: Graph, table: OperatorTable) -> Iterator[Finding]:
    """Yield operators whose inputs WebNN wants constant and that are computed from feeds."""
    found: dict[str, list[str]] = {}
    for node in graph.running:
        comment = table.support(node.domain, node.op_type, graph.opsets.get(node.domain, 1)).comment
        if "constant" not in comment:
            continue
        wanted = set(_QUOTED.findall(comment))
        for name in wanted & _computed_inputs(graph, node):
            found.setdefault(f"{node.op_type} with a computed `{name}`", []).append(spelled(node))
    for what, names in sorted(found.items()):
        remedy = "Fix the free dimensions it depends on, or export with constants."
        yield Finding("webnn", several(names), f"{what}; WebNN wants a constant", remedy)


def _computed_inputs(graph: Graph, node: onnx.NodeProto) -> set[str]:
    """Return the names, as the operator declares them, of inputs that are not constant."""
    opset = graph.opsets.get(node.domain, 1)
    try:
        declared = onnx.defs.get_schema(node.op_type, opset, node.domain).inputs
    except onnx.defs.SchemaError:
        return set()
    return {
        each.name
        for each, given in zip(declared, node.input, strict=False)
        if given not in graph.constants
    }


def _files(graph: Graph) -> Iterator[Finding]:
    model = graph.model
    if model.external:
        what = "external data; its `wx.createInferenceSession` reads one file"
        yield Finding("mini-program", several(list(model.external)), what, "Save as one file.")
    for host, limit, why in (
        ("mini-program", _MINI_PROGRAM_MAX_BYTES, "all its files may hold"),
        ("every", _PAGE_MAX_BYTES, "a page may hope for: weights are held twice while opening"),
    ):
        if model.file_bytes > limit:
            what = f"{model.file_bytes:,} bytes, more than the {limit:,} that {why}"
            yield Finding(host, model.path.name, what, "Ship a smaller model or variant.")
