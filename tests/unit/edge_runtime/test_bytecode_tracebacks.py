"""Tracebacks name the author's files and lines, also where only bytecode was shipped."""

import asyncio
from pathlib import Path

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.config import parse_config
from edge_runtime.errors import TaskError
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import InferRequest, Runtime

from tests.deep_task import DEEP_LINES, write_deep_task
from web_runtime.compilers import here
from web_runtime.pack import pack_task

from .task_bundles import UNSIGNED


async def failure(bundle: Path) -> TaskError:
    host = create_native_host(root=bundle.parent)
    config = parse_config({"bundles": [bundle.name], "trust": UNSIGNED})
    runtime = Runtime(host, config, f"{bundle.parent.as_uri()}/")
    assert await runtime.start() == []
    try:
        with pytest.raises(TaskError) as raised:
            await runtime.infer(InferRequest(1, "test-shop", "deep"))
        return raised.value
    finally:
        await runtime.stop()


def test_a_traceback_from_bytecode_names_files_and_lines(tmp_path: Path) -> None:
    bundle = tmp_path / "deep.edge"
    bundle.write_bytes(pack_task(write_deep_task(tmp_path / "task"), compiler=here))
    files = open_bundle(bundle.read_bytes()).files
    assert sorted(files) == ["main.pyc", "parts/__init__.pyc", "parts/scores.pyc"]

    error = asyncio.run(failure(bundle))

    frames = [line for line in error.details["traceback"].splitlines() if "File " in line]
    assert frames == DEEP_LINES
    assert error.message.startswith("task Deep, Deep/parts/scores.py line 3: expected")
