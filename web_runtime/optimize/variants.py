"""Smaller files of a model, made by onnxruntime's own tools.

Feeds and answers stay what they are: a variant has the inputs and outputs of its model.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from .samples import Array, Samples
from .source import Model, first_line

PRECISIONS: Final = ("fp16", "int8")
_WITHOUT_CONV: Final = ["MatMul", "Gather", "Attention", "LSTM", "EmbedLayerNormalization"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was made, or why it was not.

    Attributes:
        precision: ``fp16`` or ``int8``.
        method: ``fp16``, ``int8 dynamic`` or ``int8 static``.
        path: The file; None if the tool failed.
        problem: Why there is no file.
    """

    precision: str
    method: str
    path: Path | None
    problem: str | None = None


def make_candidates(
    model: Model, samples: Samples, precisions: Sequence[str], folder: Path
) -> Iterator[Candidate]:
    """Make the files of each precision in ``folder``.

    Static quantisation needs ranges of activations, so it is made of given samples only: random
    values would calibrate it to what never occurs.
    """
    makers: list[tuple[str, str, Callable[[Path], None]]] = []
    if "fp16" in precisions:
        makers.append(("fp16", "fp16", lambda path: _fp16(model, path)))
    if "int8" in precisions:
        makers.append(("int8", "int8 dynamic", lambda path: _dynamic(model, path)))
        if samples.are_given:
            makers.append(("int8", "int8 static", lambda path: _static(model, samples, path)))
    for precision, method, make in makers:
        yield _made(precision, method, make, folder / f"{method.replace(' ', '-')}.onnx")


def _made(precision: str, method: str, make: Callable[[Path], None], path: Path) -> Candidate:
    try:
        with _quiet_tools():
            make(path)
    except Exception as error:  # The tools raise anything; a model they cannot do is no defect.
        return Candidate(precision, method, None, f"the tool failed: {first_line(error)}")
    return Candidate(precision, method, path)


def _fp16(model: Model, path: Path) -> None:
    onnx.save(convert_float_to_float16(_copy(model.proto), keep_io_types=True), str(path))


def _dynamic(model: Model, path: Path) -> None:
    """Quantise weights; convolutions are left alone, their integer kernels are slower here."""
    quantize_dynamic(
        _prepared(model, path),
        path,
        op_types_to_quantize=_WITHOUT_CONV,
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def _static(model: Model, samples: Samples, path: Path) -> None:
    quantize_static(
        _prepared(model, path),
        path,
        _Reader([sample.feeds for sample in samples.items]),
        QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, feeds: Sequence[dict[str, Array]]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def _prepared(model: Model, path: Path) -> Path | onnx.ModelProto:
    """Return the model as the quantisers want it, or itself if it cannot be prepared.

    Symbolic shape inference is left out: it needs a package of its own.
    """
    prepared = path.with_suffix(".prepared")
    try:
        quant_pre_process(model.path, prepared, skip_symbolic_shape=True)
    except Exception:  # The same tools, the same anything; quantising alone may still work.
        return _copy(model.proto)
    return prepared


def _copy(proto: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    return copy


@contextmanager
def _quiet_tools() -> Iterator[Any]:
    """Hold back what the tools log: it is for their developers, failures are told as such."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
