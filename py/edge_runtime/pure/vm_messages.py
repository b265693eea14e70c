"""What crosses the border between the core and a VM, as plain data: shapes of both directions.

core → VM: ``open`` a task, ``run`` it, ``cancel`` a run, ``answer`` what a run asked, ``close`` a
task. VM → core: a task is ``opened``, a run is ``done``, it asks (``ask``), has ``heard`` that it
is cancelled, one of several begins a ``step``, ``log``; the VM is ``spoilt`` by a task.
"""

from collections.abc import Mapping
from typing import Any, Final

from ..errors import NUMBERS, ConfigError, EdgeError, TaskError, error_from_dict
from ..tensor import Tensor
from ..types import Activation, Event, JsonValue, TriggerKind

ASKABLE: Final = frozenset(
    {"infer", "release", "query", "get", "put", "delete", "call", "decode_image", "fetch"}
)
"""Methods of the context that a run asks the core for."""


def plain_activation(activation: Activation) -> JsonValue:
    """Return an activation as plain data."""
    event = activation.event
    return {
        "runId": activation.run_id,
        "task": activation.task_name,
        "trigger": activation.trigger.value,
        "ts": activation.ts,
        "ext": dict(activation.ext_data),
        "event": None
        if event is None
        else [
            event.id,
            event.ts,
            event.type,
            event.page_id,
            event.click_id,
            event.pv,
            dict(event.props),
        ],
    }


def activation_of(plain: Mapping[str, Any]) -> Activation:
    """Return what :func:`plain_activation` took apart."""
    event = plain["event"]
    return Activation(
        plain["runId"],
        plain["task"],
        TriggerKind(plain["trigger"]),
        plain["ts"],
        None if event is None else Event(*event),
        plain["ext"],
    )


def plain_feeds(feeds: Any) -> JsonValue:
    """Return feeds as plain data: tensors, and of what is none its type's name.

    The core judges them: only it knows what the model declares.

    Raises:
        ConfigError: ``tensor-invalid``: no mapping.
    """
    if not isinstance(feeds, Mapping):
        given = type(feeds).__name__
        text = f"ctx.infer feeds: expected a dict of tensors by input, got {given}. Pass one."
        raise ConfigError("tensor-invalid", text)
    return {str(name): _plain_feed(value) for name, value in feeds.items()}


def feeds_of(plain: Any) -> Any:
    """Return what :func:`plain_feeds` took apart; a stand-in of its type for what was no tensor."""
    return {name: _feed_of(value) for name, value in plain.items()}


def plain_tensor(tensor: Tensor) -> JsonValue:
    """Return one tensor as plain data."""
    return [tensor.dtype, list(tensor.shape), tensor.data]


def plain_tensors(tensors: Mapping[str, Tensor]) -> JsonValue:
    """Return tensors by name as plain data."""
    return {name: plain_tensor(each) for name, each in tensors.items()}


def tensors_of(plain: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return what :func:`plain_tensors` took apart."""
    return {name: tensor_of(each) for name, each in plain.items()}


def tensor_of(plain: Any) -> Tensor:
    """Return one tensor.

    Raises:
        ConfigError: ``tensor-invalid``.
    """
    dtype, shape, data = plain
    return Tensor(dtype, tuple(shape), data)


def error_of(task_name: str, plain: Any) -> EdgeError:
    """Return an error that a VM told; whatever it told, it is one of ours."""
    if isinstance(plain, Mapping) and plain.get("code") in NUMBERS:
        details = plain.get("details")
        message, known = str(plain.get("message", "")), isinstance(details, Mapping)
        return error_from_dict({**plain, "message": message, "details": details if known else {}})
    text = f"run of {task_name}: expected an answer of its VM, got another message."
    return TaskError("task-crashed", f"{text} Look at what the task does to the interpreter.")


def _plain_feed(value: Any) -> JsonValue:
    if isinstance(value, Tensor):
        return plain_tensor(value)
    if all(hasattr(value, name) for name in ("dtype", "shape", "astype")):
        try:
            return plain_tensor(Tensor.from_numpy(value))
        except EdgeError as error:
            return {"error": error.to_dict(), "type": f"numpy's {value.dtype}"}
    return {"type": type(value).__name__}


def _feed_of(plain: Any) -> Any:
    if isinstance(plain, list):
        return tensor_of(plain)
    if "error" in plain:
        raise error_from_dict(plain["error"])
    return type(plain["type"], (), {})()
