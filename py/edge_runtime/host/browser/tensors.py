"""Tensors across the JavaScript border: one copy of the bytes each way, no element loops."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...tensor import Tensor
from ...types import TensorSpec
from .conversions import as_bytes, as_js


def as_feeds(feeds: Mapping[str, Tensor]) -> Any:
    """Copy feeds to JavaScript, as an array of WireTensors whose data are Uint8Arrays."""
    return as_js(
        [
            {
                "name": name,
                "dtype": feed.dtype,
                "shape": feed.shape,
                # An array of floats, or one with more axes, would become another kind of array.
                "data": memoryview(feed.data).cast("B") if feed.data else b"",
            }
            for name, feed in feeds.items()
        ]
    )


def as_tensors(outputs: Any) -> dict[str, Tensor]:
    """Copy an array of WireTensors to tensors by name."""
    return {output.name: _tensor(output) for output in outputs}


def specs(plain: Iterable[Mapping[str, Any]]) -> tuple[TensorSpec, ...]:
    """Return what a model declares."""
    return tuple(TensorSpec(each["name"], each["dtype"], tuple(each["shape"])) for each in plain)


def _tensor(output: Any) -> Tensor:
    return Tensor(output.dtype, tuple(output.shape), as_bytes(output.data))
