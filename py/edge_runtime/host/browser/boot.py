"""Starts the runtime inside a worker, from the page's options."""

import asyncio
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ...config import LIMITS, Config, parse_config
from ...errors import ConfigError, EdgeError
from ...pure.plain import check_levels, join
from ...runtime import Runtime
from ...schema import show
from ..ports import Network
from .core import Core
from .ports import browser_host
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
    host = browser_host(js_host)
    try:
        config, base_url = await _load_config(host.network, join(options_json, ()))
        runtime = Runtime(host, config, base_url)
        problems = await runtime.start()
    except EdgeError as error:
        return Booted(None, "[]", _plain_json(error))
    return Booted(Core(runtime, js_host.reply), f"[{','.join(map(_plain_json, problems))}]")


async def _load_config(network: Network, options: Mapping[str, Any]) -> tuple[Config, str]:
    given = options["config"]
    if not isinstance(given, str):
        return parse_config(given), options["base"]
    data = await network.fetch(
        given, max_bytes=LIMITS.config_bytes, timeout_ms=LIMITS.fetch_timeout_ms
    )
    try:
        plain = _parsed(data.decode("utf-8-sig"))
    except ValueError as error:
        message = f"config {given}: expected JSON, got {error}. Correct the file."
        raise ConfigError("config-invalid", message, {"url": given}) from error
    return parse_config(plain), given


def _parsed(text: str) -> object:
    check_levels(text)
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON number")


def _plain_json(error: EdgeError) -> str:
    plain = error.to_dict()
    try:
        return json.dumps(plain, default=repr, allow_nan=False)
    except ValueError:  # A number that JavaScript cannot parse, such as 1e999 read as infinity.
        return json.dumps({**plain, "details": {"text": show(error.details)}})
