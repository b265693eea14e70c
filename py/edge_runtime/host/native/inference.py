"""ONNX models on one CPU thread with onnxruntime."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import onnxruntime

from ...errors import ConfigError, HostError
from ...tensor import DTYPES, Tensor
from ...types import Backend, TensorSpec
from ..ports import InferenceReply, OpenedModel

_DTYPES: Final = {f"tensor({name})": name for name in DTYPES} | {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}


class OnnxInference:
    """Implements ``Inference``; engine calls run in a thread, one at a time."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}
        self._turn = asyncio.Lock()

    async def open(self, model: str, data: bytes, *, backend: str) -> OpenedModel:
        """Create or replace a session; the backend is always ``cpu``."""
        async with self._turn:
            session = await asyncio.to_thread(_open, model, data)
        self._sessions[model] = session
        reason = None if backend == "cpu" else f"CPython runs models on cpu, it has no {backend}"
        return OpenedModel(
            _specs(model, session.get_inputs()),
            _specs(model, session.get_outputs()),
            Backend("cpu", 1, reason),
        )

    async def run(self, model: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference after those that came before."""
        session = self._sessions.get(model)
        if session is None:
            raise HostError("inference-failed", f"{model}: expected an open model, got none.")
        async with self._turn:
            return await asyncio.to_thread(_run, model, session, feeds)

    async def release(self, model: str) -> None:
        """Free the session."""
        self._sessions.pop(model, None)


def _open(model: str, data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
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
