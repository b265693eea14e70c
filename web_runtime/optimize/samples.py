"""What variants are tried on: samples a person gives, or seeded random feeds.

A sample keeps the form in which a golden file names its feeds, where that form is small enough.
"""

import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from edge_runtime.errors import ConfigError
from edge_runtime.pure.agreement import Tolerance
from edge_runtime.pure.generated_feeds import seeded
from edge_runtime.pure.golden import TOLERANCES, parse_golden
from edge_runtime.types import TensorSpec
from numpy.typing import NDArray

from ..errors import ToolError
from .source import Model, all_nodes

Array = NDArray[Any]

SEEDED_COUNT: Final = 3
_MAX_PLAIN_VALUES: Final = 20_000
_BATCH, _LENGTH, _SIDE_PIXELS = 1, 16, 64
_SAME_VALUES: Final = ("Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten")


@dataclass(frozen=True, slots=True)
class Sample:
    """Feeds by input; ``plain`` is how a golden file names them, None if they are too large."""

    feeds: dict[str, Array]
    plain: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples, where they come from in words, and what variants may differ by on them."""

    items: tuple[Sample, ...]
    origin: str
    are_given: bool
    tolerances: Mapping[str, Tolerance]


def load_samples(model: Model, path: Path) -> Samples:
    """Read samples from an ``.npz`` or from a golden file.

    Raises:
        ToolError: The file is neither, or does not fit the model.
    """
    try:
        if path.suffix == ".npz":
            items, tolerances = tuple(_from_npz(model, path)), TOLERANCES
        else:
            items, tolerances = _from_golden(model, path)
    except OSError as error:
        raise ToolError(f"{path}: expected samples, got {error.strerror or error}.") from error
    except (ValueError, zipfile.BadZipFile, ConfigError) as error:
        raise ToolError(f"{path}: expected samples for the model, got: {error}") from error
    return Samples(items, f"{len(items)} given in {path.name}", True, tolerances)


def seeded_samples(model: Model, seed: int) -> Samples:
    """Make random feeds of the declared shapes.

    Raises:
        ToolError: An input is of strings, which cannot be made up.
    """
    limits = _index_limits(model.proto)
    forms = [
        {spec.name: _form(spec, seed + number, limits) for spec in model.inputs}
        for number in range(SEEDED_COUNT)
    ]
    items = tuple(Sample(_arrays(model.inputs, form), form) for form in forms)
    shapes = ", ".join(f"{spec.name} {forms[0][spec.name]['shape']}" for spec in model.inputs)
    origin = f"{SEEDED_COUNT} of random values, seed {seed}: {shapes}"
    return Samples(items, origin, False, TOLERANCES)


def _form(spec: TensorSpec, seed: int, limits: Mapping[str, int]) -> dict[str, Any]:
    if spec.dtype == "string":
        raise ToolError(
            f"input {spec.name}: expected numbers to make up, got strings. Give --samples."
        )
    high = limits.get(spec.name, 255 if spec.dtype == "uint8" else 1)
    low = -1 if spec.dtype.startswith("float") else 0
    return {"random": [seed, low, high], "shape": _sizes(spec.shape)}


def _sizes(shape: Sequence[int | str | None]) -> list[int]:
    """Choose sizes for free dimensions: one in the batch, pictures of 64 pixels, rows of 16."""
    usual = [_BATCH] + [_SIDE_PIXELS if len(shape) == 4 else _LENGTH] * len(shape)
    if len(shape) == 1:
        usual = [_LENGTH]
    sizes = zip(shape, usual, strict=False)
    return [known if isinstance(known, int) else chosen for known, chosen in sizes]


def _index_limits(proto: onnx.ModelProto) -> dict[str, int]:
    """Return the greatest index by the inputs that choose rows of a table."""
    rows = {each.name: each.dims[0] for each in proto.graph.initializer if each.dims}
    limits: dict[str, int] = {}
    for node in reversed(list(all_nodes(proto.graph))):
        if node.op_type == "Gather" and node.input[0] in rows and not _axis(node):
            _lower(limits, node.input[1], rows[node.input[0]] - 1)
        elif node.op_type in _SAME_VALUES and node.output[0] in limits:
            _lower(limits, node.input[0], limits[node.output[0]])
    return limits


def _lower(limits: dict[str, int], name: str, limit: int) -> None:
    limits[name] = min(limit, limits.get(name, limit))


def _axis(node: onnx.NodeProto) -> int:
    return next((each.i for each in node.attribute if each.name == "axis"), 0)


def _arrays(inputs: Sequence[TensorSpec], form: Mapping[str, Any]) -> dict[str, Array]:
    dtypes = {spec.name: spec.dtype for spec in inputs}
    return {
        name: seeded(dtypes[name], each["shape"], *each["random"]).numpy()
        for name, each in form.items()
    }


def _from_golden(model: Model, path: Path) -> tuple[tuple[Sample, ...], Mapping[str, Tolerance]]:
    plain = json.loads(path.read_text(encoding="utf-8"))
    golden = parse_golden(plain, model.inputs, model.outputs)
    items = tuple(
        Sample({name: feed.numpy() for name, feed in case.feeds.items()}, written["inputs"])
        for case, written in zip(golden.cases, plain["cases"], strict=True)
    )
    return items, golden.tolerances


def _from_npz(model: Model, path: Path) -> Iterator[Sample]:
    """Yield one sample per leading index, or one of arrays that fit as they are."""
    with path.open("rb") as file, zipfile.ZipFile(file):
        loaded = np.load(file)
        arrays = {name: loaded[name] for name in loaded.files}
    _check_names(model, arrays)
    ranks = {spec.name: len(spec.shape) for spec in model.inputs}
    extra = {arrays[name].ndim - rank for name, rank in ranks.items()}
    if extra == {0}:
        yield _given(model, arrays)
    elif extra == {1} and len(counts := {len(array) for array in arrays.values()}) == 1:
        if counts == {0}:
            raise ValueError("no sample")
        for number in range(len(next(iter(arrays.values())))):
            yield _given(model, {name: array[number] for name, array in arrays.items()})
    else:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise ValueError(f"{shapes}. Give arrays of the inputs' shapes, or of as many samples each")


def _check_names(model: Model, arrays: Mapping[str, Array]) -> None:
    expected = {spec.name for spec in model.inputs}
    if set(arrays) != expected or not expected:
        names = ", ".join(sorted(expected)), ", ".join(sorted(arrays))
        raise ValueError(f"arrays {names[1]}. Name them {names[0]}")


def _given(model: Model, arrays: Mapping[str, Array]) -> Sample:
    feeds = {}
    for spec in model.inputs:
        given = arrays[spec.name]
        fits = spec.dtype == _dtype(given) and all(
            not isinstance(size, int) or size == actual
            for size, actual in zip(spec.shape, given.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"{spec.name} {given.dtype}{list(given.shape)}. Make it {spec.dtype}"
                f"{['any' if size is None else size for size in spec.shape]}"
            )
        feeds[spec.name] = given
    if sum(math.prod(feed.shape) for feed in feeds.values()) > _MAX_PLAIN_VALUES:
        return Sample(feeds, None)
    return Sample(feeds, {name: plain_tensor(feed) for name, feed in feeds.items()})


def plain_tensor(array: Array) -> dict[str, Any]:
    """Return an array as a golden file writes it; floats in seven digits."""
    values = array.ravel().tolist()
    if array.dtype.kind == "f":
        values = [float(f"{value:.7g}") for value in values]
    return {"dtype": _dtype(array), "shape": list(array.shape), "values": values}


def _dtype(array: Array) -> str:
    """Return the tensor's dtype; the engine's texts are objects."""
    return "string" if array.dtype.kind in "UO" else array.dtype.name
