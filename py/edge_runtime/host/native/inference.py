"""ONNX models on one CPU thread with onnxruntime."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import onnxruntime

from ...errors import ConfigError, HostError
from ...model_files import read_model
from ...tensor import DTYPES, Tensor
from ...types import Backend, TensorSpec
from ..ports import InferenceReply, ModelFile, Network, OnProgress, OpenedModel, Target

_DTYPES: Final = {f"tensor({name})": name for name in DTYPES} | {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}


class OnnxInference:
    """Implements ``Inference``; engine calls run in a thread, one at a time, whatever their lane.

    Args:
        network: Where model files come from.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sessions: dict[tuple[str, str], Any] = {}
        self._turn = asyncio.Lock()

    async def probe(self, *, accelerators: bool) -> Mapping[str, Any]:
        """Return the facts of a device that has nothing but wasm, which the CPU stands in for."""
        return {"simd": True, "cores": 1, "build": f"onnxruntime {onnxruntime.__version__}"}

    async def open(
        self,
        lane: str,
        session: str,
        file: ModelFile,
        target: Target,
        on_progress: OnProgress | None = None,
    ) -> OpenedModel:
        """Create or replace a session; the backend is always ``cpu``."""
        data, weights = await read_model(self._network, file)
        async with self._turn:
            opened = await asyncio.to_thread(_open, session, data, weights, target.dimensions)
        self._sessions[lane, session] = opened
        return OpenedModel(
            _specs(session, opened.get_inputs()),
            _specs(session, opened.get_outputs()),
            Backend("cpu", 1, f"CPython runs models on cpu, it has no {target.backend}"),
            file_bytes=len(data) + sum(map(len, weights.values())),
        )

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference after those that came before."""
        opened = self._sessions.get((lane, session))
        if opened is None:
            raise HostError("worker-lost", f"{session}: expected an open model, got none.")
        async with self._turn:
            return await asyncio.to_thread(_run, session, opened, feeds)

    async def release(self, lane: str, session: str) -> None:
        """Free the session."""
        self._sessions.pop((lane, session), None)

    async def close(self, lane: str, reason: str) -> None:
        """Free the lane's sessions; a thread cannot be ended, and goes on for nobody."""
        for place in [place for place in self._sessions if place[0] == lane]:
            del self._sessions[place]

    async def erase(self) -> None:
        """Do nothing: no files are kept."""


def _open(
    model: str, data: bytes, weights: Mapping[str, bytes], dimensions: Mapping[str, int]
) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for name, size in dimensions.items():
        options.add_free_dimension_override_by_name(name, size)
    if weights:
        sizes = list(map(len, weights.values()))
        options.add_external_initializers_from_files_in_memory(
            list(weights), list(weights.values()), sizes
        )
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The engine's errors share no base class.
        raise _failed(model, "an ONNX model that opens", error) from error


def _run(model: str, session: Any, feeds: Mapping[str, Tensor]) -> InferenceReply:
    arrays = {name: feed.numpy() for name, feed in feeds.items()}
    started_s = time.perf_counter()
    try:
        outputs = session.run(None, arrays)
    except Exception as error:  # The engine's errors share no base class.
        raise _failed(model, "outputs", error) from error
    infer_ms = (time.perf_counter() - started_s) * 1000
    names = [output.name for output in session.get_outputs()]
    return InferenceReply(
        {name: _tensor(model, name, each) for name, each in zip(names, outputs, strict=True)},
        infer_ms,
    )


def _tensor(model: str, name: str, output: Any) -> Tensor:
    try:
        # Texts come as objects.
        if output.dtype == object:
            return Tensor.string(output.ravel().tolist(), output.shape)
        return Tensor.from_numpy(output)
    except ConfigError as error:
        raise _failed(f"{model}, {name}", "an output that is a tensor", error) from error


def _specs(model: str, declared: Sequence[Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(each.name, _dtype(model, each), tuple(map(_axis, each.shape)))
        for each in declared
    )


def _dtype(model: str, declared: Any) -> str:
    if declared.type not in _DTYPES:
        known = ", ".join(DTYPES)
        text = f"{model}, {declared.name}: expected one of {known}, got {declared.type}."
        raise HostError("inference-failed", text)
    return _DTYPES[declared.type]


def _axis(axis: object) -> int | str | None:
    return axis if isinstance(axis, int | str) else None


def _failed(model: str, expected: str, error: Exception) -> HostError:
    return HostError("inference-failed", f"{model}: expected {expected}, got {error}.")
