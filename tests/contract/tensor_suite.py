"""What every Inference must do with tensors, whatever they hold. ``models`` are ONNX files by name.

``tensors_<dtype>``: three inputs that become the outputs ``<name>_out``: ``scalar``, ``[]``;
``line``, ``[any]``; ``cube``, ``[rows, any, 3]``.
``compare``: float32 ``a``, ``b``, ``[n]`` → bool ``less``, float32 ``sum``; ``b`` is 1 by default.
``outside``: float32 ``a`` ``[3]`` → ``sum``, with weights in ``weights/outside.bin``: 1, 2, 3.
``refused_<what>``: what no host opens.
"""

import math
import struct
from collections.abc import Mapping

from edge_runtime.errors import HostError
from edge_runtime.host.ports import Host
from edge_runtime.tensor import DTYPES, ITEM_BYTES, Tensor
from edge_runtime.types import TensorSpec

from .lanes import open_model, ran

Models = Mapping[str, bytes]
TEXTS = ["", "\u5bb6\u7535 \u6c34", "\ufeffmark", "\U0001f600\n", "e\u0301", ""]
# Infinities, zeros with both signs, a quiet and a signalling NaN with payload, the least subnormal.
SPECIAL = {
    "float16": ["7c00", "fc00", "8000", "7e2a", "7c2a", "0001"],
    "float32": ["7f800000", "ff800000", "80000000", "7fc00abc", "7f800abc", "00000001"],
    "float64": [
        *("7ff0000000000000", "fff0000000000000", "8000000000000000"),
        *("7ff8000000000abc", "7ff0000000000abc", "0000000000000001"),
    ],
}


def six(dtype: str) -> bytes:
    """Return the data of six values that are easily spoilt on their way."""
    if dtype == "string":
        return Tensor.string(TEXTS).data  # type: ignore[return-value]
    if dtype == "bool":
        return b"\1\0\0\1\1\0"
    if dtype in SPECIAL:
        return b"".join(bytes.fromhex(bits)[::-1] for bits in SPECIAL[dtype])
    least = -(2 ** (8 * ITEM_BYTES[dtype] - 1)) if dtype.startswith("i") else 0
    most = least + 2 ** (8 * ITEM_BYTES[dtype]) - 1
    return Tensor.of(dtype, [least, most, most - 1, least + 1, 1, 0]).data  # type: ignore[return-value]


def shaped(dtype: str, *shape: int) -> Tensor:
    """Return a tensor of the first values of :func:`six`."""
    count = math.prod(shape)
    if dtype == "string":
        return Tensor.string(TEXTS[:count], shape)
    return Tensor(dtype, shape, six(dtype)[: count * ITEM_BYTES[dtype]])


async def echoed(host: Host, dtype: str, data: bytes, feeds: Mapping[str, Tensor]) -> None:
    """Expect every feed back, bit by bit."""
    await open_model(host.inference, "tensors", data)
    reply = await ran(host, "tensors", feeds)

    for name, feed in feeds.items():
        output = reply.outputs[f"{name}_out"]
        told = (output.dtype, output.shape, bytes(output.data))
        assert told == (dtype, feed.shape, bytes(feed.data)), (dtype, name, told)


async def check_every_dtype_and_rank_passes_bit_by_bit(host: Host, models: Models) -> None:
    for dtype in DTYPES:
        feeds = {
            "scalar": shaped(dtype),
            "line": shaped(dtype, 6),
            "cube": shaped(dtype, 2, 1, 3),
        }
        await echoed(host, dtype, models[f"tensors_{dtype}"], feeds)


async def check_axes_of_size_zero_pass(host: Host, models: Models) -> None:
    for dtype in DTYPES:
        feeds = {
            "scalar": shaped(dtype),
            "line": shaped(dtype, 0),
            "cube": shaped(dtype, 2, 0, 3),
        }
        await echoed(host, dtype, models[f"tensors_{dtype}"], feeds)


async def check_a_view_of_other_memory_is_fed_as_it_is(host: Host, models: Models) -> None:
    floats = memoryview(bytearray(struct.pack("<3f", 1.5, -2, 3))).cast("f")
    feeds = {
        "scalar": Tensor("float32", (), floats[2:]),
        "line": Tensor("float32", (3,), floats),
        "cube": Tensor("float32", (1, 1, 3), floats.cast("B").cast("f", (1, 3))),
    }
    await echoed(host, "float32", models["tensors_float32"], feeds)


async def check_axes_tell_their_size_their_name_or_none(host: Host, models: Models) -> None:
    opened = await open_model(host.inference, "tensors", models["tensors_int8"])

    shapes = {"scalar": (), "line": (None,), "cube": ("rows", None, 3)}
    assert opened.inputs == tuple(TensorSpec(name, "int8", shapes[name]) for name in shapes)
    assert opened.outputs == tuple(
        TensorSpec(f"{name}_out", "int8", shapes[name]) for name in shapes
    )


async def check_an_input_with_a_default_is_left_out(host: Host, models: Models) -> None:
    opened = await open_model(host.inference, "compare", models["compare"])
    reply = await ran(host, "compare", {"a": Tensor.float32([0, 1, 2])})

    assert [spec.name for spec in opened.inputs] == ["a"]
    assert reply.outputs["sum"].tolist() == [1, 2, 3]


async def check_outputs_are_told_apart_and_bools_are_zero_or_one(
    host: Host, models: Models
) -> None:
    opened = await open_model(host.inference, "compare", models["compare"])
    reply = await ran(host, "compare", {"a": Tensor.float32([0, 1, math.nan])})

    assert [(spec.name, spec.dtype) for spec in opened.outputs] == [
        ("less", "bool"),
        ("sum", "float32"),
    ]
    assert bytes(reply.outputs["less"].data) == b"\1\0\0"
    assert reply.outputs["sum"].shape == (3,)


async def check_weights_in_files_of_their_own_are_used(host: Host, models: Models) -> None:
    for path in ("weights/outside.bin", "other.bin"):
        external = {"unused.bin": b"\0", path: struct.pack("<3f", 1, 2, 3)}
        try:
            await open_model(host.inference, "outside", models["outside"], external)
        except HostError as error:
            assert (path, error.code) == ("other.bin", "inference-failed"), error
        else:
            reply = await ran(host, "outside", {"a": Tensor.float32([10, 20, 30])})
            assert reply.outputs["sum"].tolist() == [11, 22, 33]


async def check_what_no_tensor_is_made_of_is_refused(host: Host, models: Models) -> None:
    refused = [name for name in models if name.startswith("refused_")]
    assert len(refused) > 3
    await open_model(host.inference, "compare", models["compare"])
    for name in refused:
        try:
            await open_model(host.inference, name, models[name])
        except HostError as error:
            assert error.code == "inference-failed", error.code
        else:
            raise AssertionError(f"{name} was opened")
    reply = await ran(host, "compare", {"a": Tensor.float32([])})
    assert reply.outputs["sum"].shape == (0,)
