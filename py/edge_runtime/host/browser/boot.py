"""Starts the runtime inside a worker, from the page's options."""

import asyncio
import gc
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...config import parse_config
from ...errors import EdgeError
from ...pure.plain import join
from ...runtime import Runtime
from ...schema import show
from ...services.recorder import Recorder
from ..ports import Host
from .configuration import in_force, plain_config
from .core import Core
from .ports import browser_host
from .sleeping import install_sleep
from .turns import install_turns


@dataclass(frozen=True, slots=True)
class Booted:
    """What the worker gets: ``core``, or None with the reason in ``error_json``.

    Attributes:
        core: Takes requests, events and cancellations.
        problems_json: JSON array of plain errors: what is missing although the rest works.
        error_json: The plain error that ended the boot; empty when there is a core.
    """

    core: Core | None
    problems_json: str
    error_json: str = ""


def boot(js_host: Any, options_json: str) -> asyncio.Task[Booted]:
    """Load the configuration and start the runtime, in a task that the worker can cancel.

    Args:
        js_host: Object of functions per port, see ``js_shim/host/index.js``.
        options_json: ``RuntimeOptions`` of ``js_shim/protocol.js``.
    """
    return asyncio.ensure_future(_boot(js_host, options_json))


async def _boot(js_host: Any, options_json: str) -> Booted:
    # A restored snapshot has the same random state in every worker of every device.
    random.seed(os.urandom(32))
    install_turns(asyncio.get_running_loop())
    install_sleep()
    host = browser_host(js_host)
    try:
        core, problems = await _start(host, join(options_json, ()), js_host.reply)
    except EdgeError as error:
        return Booted(None, "[]", _plain_json(error))
    # What is there now stays: no collection has to walk over modules and ten thousand rules.
    gc.freeze()
    return Booted(core, f"[{','.join(map(_plain_json, problems))}]")


async def _start(
    host: Host, options: Mapping[str, Any], js_reply: Any
) -> tuple[Core, list[EdgeError]]:
    given, reconfigured = options["config"], options.get("reconfigured")
    config = parse_config(await plain_config(host.network, given))
    recorder = Recorder(host.clock) if options.get("trace") else None
    runtime = Runtime(
        host,
        in_force(config, reconfigured),
        given if isinstance(given, str) else options["base"],
        journal=recorder,
        vms=options.get("vms"),
        profile=options.get("profile", False),
        struck=tuple(options.get("struck", ())),
    )
    problems = await runtime.start()
    if recorder and reconfigured is not None:
        # Who plays the trace again has the configuration of the start.
        recorder.note("reconfigure", config=reconfigured)
    return Core(runtime, js_reply, host, recorder), problems


def _plain_json(error: EdgeError) -> str:
    plain = error.to_dict()
    try:
        return json.dumps(plain, default=repr, allow_nan=False)
    except ValueError:  # A number that JavaScript cannot parse, such as 1e999 read as infinity.
        return json.dumps({**plain, "details": {"text": show(error.details)}})
