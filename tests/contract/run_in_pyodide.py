"""Runs every contract suite on one host and reports, for hosts that pytest cannot reach.

Needs nothing but the core, so a page can unpack it beside this folder and call :func:`run_all`.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from edge_runtime.host.ports import Host

from . import (
    clock_suite,
    crypto_suite,
    images_suite,
    inference_suite,
    machines_suite,
    network_suite,
    request_suite,
    signature_suite,
    storage_suite,
    store_suite,
    tensor_suite,
)

# Far above what the slowest host needs: behind it the traceback shows where a check hangs.
PATIENCE_S = 100


@dataclass(frozen=True)
class Fixtures:
    """What the host under test can reach: bodies by URL, models and pictures by name, an echo."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    models: Mapping[str, bytes] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    echo: str = ""


Check = tuple[str, Callable[..., Any], tuple[Any, ...]]


def checks(fixtures: Fixtures) -> Iterator[Check]:
    """Yield name, function and further arguments of every check that has its fixtures."""
    yield from _of(clock_suite)
    yield from _of(storage_suite)
    yield from _of(crypto_suite)
    yield from _of(signature_suite)
    yield from _of(store_suite)
    yield from _of(machines_suite)
    for suite, fixture in (
        (network_suite, fixtures.files),
        (inference_suite, fixtures.models),
        (tensor_suite, fixtures.models),
        (images_suite, fixtures.pictures),
        (request_suite, fixtures.echo),
    ):
        if fixture:
            yield from _of(suite, fixture)


async def run_all(
    host: Host, fixtures: Fixtures | None = None, begins: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Run the checks one after the other, each told to ``begins``, so that a hang has a name.

    Returns:
        Per check its name, whether it passed, and the traceback if not.
    """
    outcomes = []
    for name, check, arguments in checks(fixtures or Fixtures()):
        begins(name)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await check(host, *arguments)
        except Exception:  # Whatever a check raises is its outcome.
            outcomes.append({"name": name, "ok": False, "error": traceback.format_exc()})
        else:
            outcomes.append({"name": name, "ok": True, "error": None})
    return outcomes


def _of(suite: ModuleType, *arguments: Any) -> Iterator[Check]:
    short = suite.__name__.rpartition(".")[2]
    for name, check in vars(suite).items():
        if name.startswith("check_"):
            yield f"{short}.{name.removeprefix('check_')}", check, arguments
