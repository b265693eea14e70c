"""What a run in a VM asks of its context, from plain data and back to plain data."""

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..pure.vm_messages import ASKABLE, feeds_of, plain_tensor, plain_tensors
from ..types import JsonValue
from .container_context import RunContext


async def answer_of(context: RunContext, method: Any, given: Mapping[str, Any]) -> JsonValue:
    """Do what a run asks for, and return the answer as plain data.

    Raises:
        ConfigError: ``argument-invalid``: there is no such method.
        EdgeError: As the context's method.
    """
    if method not in ASKABLE:
        raise ConfigError("argument-invalid", f"ctx: expected one of its calls, got {method!r}.")
    if method == "infer":
        return plain_tensors(await context.infer(given["model"], feeds_of(given["feeds"])))
    if method == "decode_image":
        crop = tuple(given["crop"])
        rest = {name: each for name, each in given.items() if name not in ("data", "crop")}
        return plain_tensor(await context.decode_image(given["data"], crop=crop, **rest))
    if method == "fetch":
        response = await context.fetch(**given)
        return [response.status, dict(response.headers), response.body]
    return await getattr(context, method)(**given)
