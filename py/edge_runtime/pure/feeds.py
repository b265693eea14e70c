"""What a model is fed, checked against what it declares before any engine sees it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..tensor import Tensor
from ..types import TensorSpec


def check_feeds(
    model: str, inputs: Iterable[TensorSpec], feeds: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Return ``feeds`` as tensors, in the order of ``inputs``.

    Args:
        model: For messages.
        inputs: What the model declares; a None in a shape takes any size, a name one size in all
            inputs.
        feeds: A :class:`Tensor` or a numpy array per input.

    Raises:
        ConfigError: ``tensor-invalid`` naming the input, what was expected and what was given.
    """
    specs = {spec.name: spec for spec in inputs}
    _check_names(model, specs, feeds)
    tensors = {name: _tensor(model, spec, feeds[name]) for name, spec in specs.items()}
    axes: dict[str, int] = {}
    for name, spec in specs.items():
        _check_fit(model, spec, tensors[name], axes)
    return tensors


def _check_names(model: str, specs: Mapping[str, TensorSpec], feeds: Mapping[str, Any]) -> None:
    missing = [name for name in specs if name not in feeds]
    unexpected = [str(name) for name in feeds if name not in specs]
    if missing or unexpected:
        told = [f"no {', '.join(missing)}"] if missing else []
        told += [f"an unexpected {', '.join(unexpected)}"] if unexpected else []
        raise ConfigError(
            "tensor-invalid",
            f"model {model}: expected the feeds {', '.join(map(_spelled, specs.values()))}, "
            f"got {' and '.join(told)}. Name the feeds like the model's inputs.",
            {"model": model, "missing": missing, "unexpected": unexpected},
        )


def _tensor(model: str, spec: TensorSpec, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if all(hasattr(value, name) for name in ("dtype", "shape", "astype")):
        try:
            return Tensor.from_numpy(value)
        except ConfigError as error:
            raise _misfit(model, spec, f"numpy's {value.dtype}", error.message) from error
    raise _misfit(model, spec, type(value).__name__, "Build it with Tensor.of() or numpy.")


def _check_fit(model: str, spec: TensorSpec, tensor: Tensor, axes: dict[str, int]) -> None:
    """Refuse what does not fit; add the sizes of named axes to ``axes``."""
    told = tuple(f"{axis}={axes[axis]}" if axis in axes else axis for axis in spec.shape)
    if tensor.dtype != spec.dtype or not _sizes_fit(spec.shape, tensor.shape, axes):
        got = _spelled(TensorSpec("", tensor.dtype, tensor.shape))
        raise _misfit(model, replace(spec, shape=told), got, "Convert or reshape it.")


def _sizes_fit(
    declared: Sequence[int | str | None], given: Sequence[int], axes: dict[str, int]
) -> bool:
    return len(declared) == len(given) and all(
        axis is None or size == (axes.setdefault(axis, size) if isinstance(axis, str) else axis)
        for axis, size in zip(declared, given, strict=True)
    )


def _misfit(model: str, spec: TensorSpec, got: str, advice: str) -> ConfigError:
    expected = _spelled(TensorSpec("", spec.dtype, spec.shape))
    return ConfigError(
        "tensor-invalid",
        f"model {model}, input {spec.name}: expected {expected}, got {got}. {advice}",
        {"model": model, "input": spec.name, "expected": expected, "got": got},
    )


def _spelled(spec: TensorSpec) -> str:
    sizes = ", ".join("any" if size is None else str(size) for size in spec.shape)
    return f"{spec.name} {spec.dtype}[{sizes}]".strip()
