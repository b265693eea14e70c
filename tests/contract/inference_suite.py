"""What every Inference must do. ``models`` are ONNX files by name.

``echo_float32``: ``x`` → ``y``, ``[n]``. ``add``: float32 ``a``, ``b`` → ``sum``, ``[2, 3]``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from edge_runtime.errors import HostError, TrustError
from edge_runtime.host.ports import Host
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec

from .lanes import LANE, WASM, file_of, open_model, ran

Models = Mapping[str, bytes]


def pair() -> dict[str, Tensor]:
    """Return feeds of the model ``add``."""
    return {
        "a": Tensor.float32([1, 2, 3, 4, 5, 6], (2, 3)),
        "b": Tensor.float32([10, 20, 30, 40, 50, 60], (2, 3)),
    }


async def fails(host: Host, name: str) -> str:
    """Return the code of a run that must fail."""
    try:
        await ran(host, name, pair())
    except HostError as error:
        return error.code
    raise AssertionError(f"{name} ran")


async def check_a_model_says_what_it_takes_and_gives(host: Host, models: Models) -> None:
    opened = await open_model(host.inference, "add", models["add"])

    assert opened.inputs == tuple(TensorSpec(name, "float32", (2, 3)) for name in "ab")
    assert opened.outputs == (TensorSpec("sum", "float32", (2, 3)),)
    assert opened.backend.name and opened.backend.threads >= 1


async def check_a_run_gives_named_outputs_and_its_time(host: Host, models: Models) -> None:
    await open_model(host.inference, "add", models["add"])
    reply = await ran(host, "add", pair())

    assert set(reply.outputs) == {"sum"}
    assert reply.outputs["sum"].shape == (2, 3)
    assert reply.outputs["sum"].tolist() == [11, 22, 33, 44, 55, 66]
    assert reply.infer_ms >= 0


async def check_a_dynamic_axis_has_its_name_and_may_be_empty(host: Host, models: Models) -> None:
    opened = await open_model(host.inference, "echo", models["echo_float32"])
    assert opened.inputs == (TensorSpec("x", "float32", ("n",)),)

    reply = await ran(host, "echo", {"x": Tensor.float32([])})
    assert reply.outputs["y"].shape == (0,)


async def check_feeds_stay_usable_after_a_run(host: Host, models: Models) -> None:
    await open_model(host.inference, "add", models["add"])
    feeds = pair()
    await ran(host, "add", feeds)
    assert feeds["a"].tolist() == [1, 2, 3, 4, 5, 6]


async def check_runs_made_together_all_answer(host: Host, models: Models) -> None:
    await open_model(host.inference, "add", models["add"])
    replies = await asyncio.gather(*(ran(host, "add", pair()) for _ in range(5)))
    assert {tuple(reply.outputs["sum"].tolist()) for reply in replies} == {(11, 22, 33, 44, 55, 66)}


async def check_two_models_are_open_at_once(host: Host, models: Models) -> None:
    await open_model(host.inference, "add", models["add"])
    await open_model(host.inference, "echo", models["echo_float32"])
    echo = {"x": Tensor.float32([7])}

    assert (await ran(host, "echo", echo)).outputs["y"].tolist() == [7]
    assert (await ran(host, "add", pair())).outputs["sum"].tolist()[0] == 11


async def check_what_is_no_model_is_refused(host: Host, models: Models) -> None:
    try:
        await open_model(host.inference, "broken", b"not an onnx file")
    except HostError as error:
        assert error.code == "inference-failed", error.code
    else:
        raise AssertionError("nonsense was opened")
    opened = await open_model(host.inference, "add", models["add"])
    assert opened.outputs[0].name == "sum"


async def check_bytes_of_another_digest_are_refused(host: Host, models: Models) -> None:
    told = replace(file_of(models["add"]), sha256=file_of(b"another file").sha256)
    try:
        await host.inference.open(LANE, "add", told, WASM)
    except TrustError as error:
        assert error.code == "digest-mismatch", error.code
        assert error.details["expected"] == told.sha256
    else:
        raise AssertionError("other bytes were opened")


async def check_a_released_model_no_longer_runs(host: Host, models: Models) -> None:
    await open_model(host.inference, "add", models["add"])
    await host.inference.release(LANE, "add")
    await host.inference.release(LANE, "add")
    assert await fails(host, "add") in {"inference-failed", "worker-lost"}
