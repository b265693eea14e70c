"""Read the tensors of a legacy PyTorch checkpoint (``.pth``) without PyTorch.

The file is a magic number, a protocol number and system facts, then a pickled dictionary whose
tensors name a storage, an offset, a size and strides, then the storages' keys, then each storage
as an int64 count and its raw elements. Only the few names a state dictionary needs are unpickled;
anything else is refused, so that a file cannot run code.
"""

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
ELEMENT_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}

Array = NDArray[Any]


class _TensorView(NamedTuple):
    """Where a tensor lies in its storage, in elements."""

    storage: str
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> dict[str, Array]:
    """Return the tensors of a checkpoint by name.

    Raises:
        ValueError: The bytes are not a legacy checkpoint.
        pickle.UnpicklingError: The checkpoint names something else than plain tensors.
    """
    stream = io.BytesIO(data)
    if _read_magic(stream) != MAGIC:
        raise ValueError("expected a legacy PyTorch checkpoint, got another format")
    for _ in ("protocol version", "system facts"):
        _Unpickler(stream).load()
    unpickler = _Unpickler(stream)
    views: dict[str, _TensorView] = unpickler.load()
    storages = {}
    for key in _Unpickler(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        element = np.dtype(ELEMENT_TYPES[unpickler.storage_types[key]])
        storages[key] = np.frombuffer(stream.read(count * element.itemsize), element)
    return {name: _view(storages[view.storage], view) for name, view in views.items()}


class _Unpickler(pickle.Unpickler):
    """Understands ordered dictionaries, tensors and storages, and nothing else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storage_types: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in ELEMENT_TYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of plain tensors")

    def persistent_load(self, pid: Any) -> str:
        kind, storage_type, key = pid[:3]
        if kind != "storage":
            raise pickle.UnpicklingError(f"expected a storage, got {kind!r}")
        self.storage_types[key] = storage_type
        return str(key)


def _read_magic(stream: io.BytesIO) -> object:
    try:
        return _Unpickler(stream).load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError):
        return None


def _rebuild_tensor(
    storage: str, offset: int, size: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _TensorView:
    return _TensorView(storage, offset, size, strides)


def _view(storage: Array, view: _TensorView) -> Array:
    """Copy a tensor out of its storage; its strides need not be those of a packed array."""
    steps = [stride * storage.itemsize for stride in view.strides]
    tensor = np.lib.stride_tricks.as_strided(storage[view.offset :], view.size, steps)
    return np.ascontiguousarray(tensor).reshape(view.size)
