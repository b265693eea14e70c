"""The model to optimize: opened, with its declared tensors, or an error for people."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
import onnxruntime
from edge_runtime.tensor import DTYPES
from edge_runtime.types import TensorSpec
from google.protobuf.message import DecodeError

from ..errors import ToolError

DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
_DTYPES: Final = {f"tensor({name})": name for name in DTYPES} | {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model that onnxruntime opens.

    Attributes:
        path: The file.
        proto: Its contents, external data included.
        external: Names of the files with its external data, beside ``path``.
        inputs: What must be fed; a size nobody fixed is None.
        outputs: What it answers.
        dimensions: Sizes of free dimensions by name.
    """

    path: Path
    proto: onnx.ModelProto
    external: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    dimensions: Mapping[str, int]

    @property
    def file_bytes(self) -> int:
        """Bytes to download: the file and its external data."""
        files = [self.path, *(self.path.parent / name for name in self.external)]
        return sum(file.stat().st_size for file in files)


def load_model(path: Path, dimensions: Mapping[str, int]) -> Model:
    """Open a model.

    Raises:
        ToolError: It is no ONNX, has custom operators, misses external data or does not open.
    """
    proto = _parsed(path)
    _check_operators(path, proto)
    external = tuple(sorted(set(_external(proto))))
    for name in external:
        if not (path.parent / name).is_file():
            raise ToolError(
                f"{path}: expected its external data in {path.parent / name}, got no such file. "
                "Put the file beside the model."
            )
    _check_dimensions(path, proto, dimensions)
    session = open_session(path, dimensions)
    inputs, outputs = _specs(path, session.get_inputs()), _specs(path, session.get_outputs())
    onnx.load_external_data_for_model(proto, str(path.parent))
    return Model(path, proto, external, inputs, outputs, dimensions)


def open_session(path: Path, dimensions: Mapping[str, int]) -> Any:
    """Open a file with onnxruntime on one CPU thread.

    Raises:
        ToolError: The engine refuses it; the text holds the engine's own words.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for name, size in dimensions.items():
        options.add_free_dimension_override_by_name(name, size)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The engine's errors share no base class.
        text = f"{path}: expected a model that onnxruntime {onnxruntime.__version__} opens, got"
        raise ToolError(f"{text}: {first_line(error)}") from error


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph and of the graphs within its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from all_nodes(inner)


def sha256_of(path: Path) -> str:
    """Return a file's digest in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: Exception) -> str:
    """Return what an engine or tool says, without the lines about its own insides."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise ToolError(f"{path}: expected a model, got {error.strerror or error}.") from error
    except (DecodeError, ValueError) as error:
        raise _no_onnx(path) from error
    if not proto.graph.node or not proto.opset_import:
        raise _no_onnx(path)
    return proto


def _no_onnx(path: Path) -> ToolError:
    return ToolError(
        f"{path}: expected an ONNX model, got other bytes. Export the model to ONNX first."
    )


def _check_operators(path: Path, proto: onnx.ModelProto) -> None:
    own = {(each.domain, each.name) for each in proto.functions}
    custom = sorted(
        {
            f"{node.domain}:{node.op_type}"
            for node in all_nodes(proto.graph)
            if node.domain not in DOMAINS and (node.domain, node.op_type) not in own
        }
    )
    if custom:
        raise ToolError(
            f"{path}: expected operators of ONNX, got the custom {', '.join(custom)}. No browser "
            "has them: export the model without, or compute them in the task."
        )


def _external(proto: onnx.ModelProto) -> Iterator[str]:
    tensors = list(proto.graph.initializer)
    for node in all_nodes(proto.graph):
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.g.initializer]
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield next(each.value for each in tensor.external_data if each.key == "location")


def _check_dimensions(path: Path, proto: onnx.ModelProto, dimensions: Mapping[str, int]) -> None:
    named = {
        size.dim_param
        for value in proto.graph.input
        for size in value.type.tensor_type.shape.dim
        if size.dim_param
    }
    for name in dimensions:
        if name not in named:
            known = ", ".join(sorted(named)) or "no name"
            raise ToolError(f"{path}: --dimension: expected one of {known}, got {name!r}.")


def _specs(path: Path, declared: Sequence[Any]) -> tuple[TensorSpec, ...]:
    for each in declared:
        if each.type not in _DTYPES:
            raise ToolError(f"{path}, {each.name}: expected a tensor, got {each.type}.")
    return tuple(
        TensorSpec(
            each.name,
            _DTYPES[each.type],
            tuple(size if isinstance(size, int | str) else None for size in each.shape),
        )
        for each in declared
    )
