"""Starts the guest inside a VM: what its worker talks to."""

import asyncio
import gc
import os
import random
from collections.abc import Sequence
from typing import Any, Final

from ...guest.sealing import seal_interpreter
from ...guest.vm import Vm
from .conversions import all_bytes, as_js
from .machines import BrowserInterpreter
from .sleeping import install_sleep
from .turns import install_turns

FILES: Final = "/tmp"


class Guest:
    """A VM's inside behind its worker's messages."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    def take(self, json: str, buffers: Sequence[Any]) -> None:
        """Take a message of the core; ``buffers`` are copied before this returns."""
        self._vm.take(json, all_bytes(buffers))


def boot(js_interpreter: Any, js_post: Any) -> Guest:
    """Return what takes the core's messages; called once, before the realm loses its powers.

    Args:
        js_interpreter: See ``js_shim/host/interpreter.js``.
        js_post: Sends a message to the core: JSON text and an array of Uint8Arrays.
    """
    # A restored snapshot has the same random state in every worker of every device.
    random.seed(os.urandom(32))
    install_turns(asyncio.get_running_loop())
    install_sleep()

    def post(json: str, buffers: Sequence[Any]) -> None:
        js_post(json, as_js(list(buffers)))

    seal_interpreter(FILES)
    vm = Vm(BrowserInterpreter(js_interpreter), post, FILES)
    vm.take_over()
    gc.freeze()
    return Guest(vm)
