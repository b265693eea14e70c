"""One remark about a model: where, what, what to do; and the graph they are looked for in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import onnx
from edge_runtime.types import TensorSpec

from .source import Model, all_nodes

DTYPES: Final[Mapping[int, str]] = {
    number: {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower())
    for name, number in onnx.TensorProto.DataType.items()
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a host cannot do with a model.

    Attributes:
        host: ``every``, ``webgpu``, ``webnn``, ``accelerators`` or ``mini-program``.
        where: Input, output, node or file.
        what: What is the matter.
        remedy: What to do about it.
        is_error: No host can run the model.
    """

    host: str
    where: str
    what: str
    remedy: str
    is_error: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form of the report."""
        return {
            "severity": "error" if self.is_error else "warning",
            "host": self.host,
            "where": self.where,
            "what": self.what,
            "remedy": self.remedy,
        }


class Graph:
    """A model with what the checks ask of its nodes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.nodes = list(all_nodes(model.proto.graph))
        self.opsets = {each.domain or "": each.version for each in model.proto.opset_import}

    @property
    def ends(self) -> Iterator[tuple[str, TensorSpec]]:
        """Yield ("input" or "output", declaration) of each tensor that crosses the border."""
        yield from (("input", spec) for spec in self.model.inputs)
        yield from (("output", spec) for spec in self.model.outputs)

    @cached_property
    def constants(self) -> set[str]:
        """Names of tensors that no feed changes: the engine computes them once."""
        names = {each.name for each in self.model.proto.graph.initializer} | {""}
        for node in self.nodes:
            fixed = all(name in names for name in node.input) and "Random" not in node.op_type
            if fixed or (node.op_type == "Shape" and node.input[0] in self._of_known_shape):
                names.update(node.output)
        return names

    @property
    def running(self) -> Iterator[onnx.NodeProto]:
        """Yield the nodes that are left when constants are folded."""
        yield from (node for node in self.nodes if node.output[0] not in self.constants)

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """Dtypes of tensors by name, where they can be inferred."""
        return {each.name: DTYPES.get(each.type.tensor_type.elem_type, "") for each in self._values}

    @cached_property
    def _of_known_shape(self) -> set[str]:
        return {
            each.name
            for each in self._values
            if each.type.tensor_type.HasField("shape")
            and all(size.HasField("dim_value") for size in each.type.tensor_type.shape.dim)
        }

    @cached_property
    def _values(self) -> list[onnx.ValueInfoProto]:
        """Return what can be inferred of each tensor, with the free dimensions that are fixed."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.model.proto)
        for size in (size for each in proto.graph.input for size in _sizes(each)):
            if size.dim_param in self.model.dimensions:
                size.dim_value = self.model.dimensions[size.dim_param]
        try:
            proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
        except Exception:  # Inference raises several kinds; its absence costs remarks alone.
            pass
        return [*proto.graph.value_info, *proto.graph.output, *proto.graph.input]


def _sizes(value: onnx.ValueInfoProto) -> Iterator[Any]:
    yield from value.type.tensor_type.shape.dim


def spelled(node: onnx.NodeProto) -> str:
    """Return a node's name, or its output where it has none."""
    return node.name or f"node of {node.output[0]}"


def several(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
