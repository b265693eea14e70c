"""A configuration as a page names it: itself, or the address of its file."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...config import LIMITS, Config, parse_config
from ...errors import ConfigError
from ...pure.config_checks import absolute_url
from ...pure.plain import check_levels
from ..ports import Network


async def plain_config(network: Network, given: Any) -> Any:
    """Return a configuration as plain data, not checked yet; text is the URL of its file.

    Raises:
        HostError: ``network-failed``.
        ConfigError: ``config-invalid``: the file is no JSON.
    """
    if not isinstance(given, str):
        return given
    data = await network.fetch(
        given, max_bytes=LIMITS.config_bytes, timeout_ms=LIMITS.fetch_timeout_ms
    )
    try:
        text = data.decode("utf-8-sig")
        check_levels(text)
        return json.loads(text)
    except ValueError as error:
        message = f"config {given}: expected JSON, got {error}. Correct the file."
        raise ConfigError("config-invalid", message, {"url": given}) from error


def located(plain: Any, given: Any) -> Any:
    """Return a configuration whose bundles are found from anywhere, if it is one from a file.

    Args:
        plain: The configuration, not checked yet.
        given: Where it came from: the URL of the file, or itself.

    Raises:
        ConfigError: ``config-invalid``: what would be a bundle's address is none.
    """
    bundles = plain.get("bundles") if isinstance(plain, Mapping) else None
    if not isinstance(given, str) or not isinstance(bundles, list):
        return plain
    absolute = [absolute_url(given, url) if isinstance(url, str) else url for url in bundles]
    return {**plain, "bundles": absolute}


def in_force(started: Config, reconfigured: Any) -> Config:
    """Return the configuration of a start with what a ``reconfigure`` has changed since.

    Raises:
        ConfigError: ``config-invalid``.
    """
    if reconfigured is None:
        return started
    changed = parse_config(reconfigured)
    bundles = changed.bundles or started.bundles
    return replace(started, bundles=bundles, triggers=changed.triggers, scheduler=changed.scheduler)
