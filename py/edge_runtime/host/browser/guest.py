"""Starts the guest inside a VM: what its worker talks to."""

import asyncio
import os
import random
from collections.abc import Sequence
from typing import Any

from .conversions import all_bytes, as_js
from .machines import BrowserInterpreter
from .turns import install_turns


class Guest:
    """Answers every message with itself."""

    def __init__(self, interpreter: BrowserInterpreter, js_post: Any) -> None:
        self._interpreter = interpreter
        self._post = js_post

    def take(self, json: str, buffers: Sequence[Any]) -> None:
        """Take a message of the core; ``buffers`` are copied before this returns."""
        self._post(json, as_js(all_bytes(buffers)))


def boot(js_interpreter: Any, js_post: Any) -> Guest:
    """Return what takes the core's messages; called once, before the realm loses its powers.

    Args:
        js_interpreter: See ``js_shim/host/interpreter.js``.
        js_post: Sends a message to the core: JSON text and an array of Uint8Arrays.
    """
    # A restored snapshot has the same random state in every worker of every device.
    random.seed(os.urandom(32))
    install_turns(asyncio.get_running_loop())
    return Guest(BrowserInterpreter(js_interpreter), js_post)
