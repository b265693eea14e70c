"""What a developer is told of a task's runs, in a VM and beside the core."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from playwright.sync_api import Page

from tests.deep_task import DEEP_LINES, write_deep_task
from web_runtime.compilers import pyodide_of
from web_runtime.pack import pack_task

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .site import Task, double_model, write_site

TALKS = """
import logging

log = logging.getLogger("shop")

async def run(ctx, activation):
    print("printed", 1, sep="-")
    log.info("%d rows", 3)
    log.error("no rows")
    log.debug("unheard")
    await ctx.get("a")
    print("after a wait")
"""
TOLD = [
    ("info", "printed-1"),
    ("info", "shop: 3 rows"),
    ("error", "shop: no rows"),
    ("info", "after a wait"),
]
BUSY = """
import time
from edge_runtime.task import Tensor

async def run(ctx, activation):
    end = time.monotonic() + 0.02
    while time.monotonic() < end:
        pass
    await ctx.put("a", 1)
    rows = await ctx.query("select 1 as n union select 2")
    await ctx.infer("double", {"x": Tensor.float32([1, 2])})
    if activation.ext_data.get("fail"):
        raise KeyError
    return len(rows)
"""
START = "(options) => EdgeAI.start(options).then(() => undefined)"


@pytest.fixture(params=[1, 0], ids=["vm", "inline"])
def start(
    request: pytest.FixtureRequest, serve: Serve, tmp_path: Path, page: Page
) -> Callable[..., EdgePage]:
    """Open a page and start it with options, where tasks run in a VM or beside the core."""

    def started(**options: Any) -> EdgePage:
        site = write_site(
            tmp_path / "site",
            tasks=[
                Task("Talks", "talks", TALKS),
                Task("Busy", "busy", BUSY, {"models": ["double"], "timeout_ms": 30_000}),
                Task("Deep", "deep", ""),
            ],
            models={"double": double_model()},
        )
        source = write_deep_task(tmp_path / "deep")
        (site / "tasks/Deep.edge").write_bytes(pack_task(source, compiler=pyodide_of(DIST)))
        url = serve(site)
        edge = EdgePage(page, url).open("/stopped.html")
        page.evaluate(START, {"config": f"{url}/config.json", "vms": request.param, **options})
        return edge

    return started


def test_a_traceback_from_bytecode_names_files_and_lines(
    start: Callable[..., EdgePage], tmp_path: Path
) -> None:
    edge = start()
    files = open_bundle((tmp_path / "site/tasks/Deep.edge").read_bytes()).files
    assert {Path(path).suffix for path in files} == {".pyc"}

    error = edge.infer("deep")["error"]

    assert error["code"] == "task-raised"
    frames = [line for line in error["details"]["traceback"].splitlines() if "File " in line]
    assert frames == DEEP_LINES


def test_what_a_task_prints_and_logs_is_told_with_its_run(start: Callable[..., EdgePage]) -> None:
    edge = start()

    told = edge.infer("talks")
    assert "ok" in told, told
    run = told["ok"]

    lines = [each for each in edge.seen("log") if each.get("taskName") == "Talks"]
    assert [(each["level"], each["message"]) for each in lines] == TOLD
    assert {each["runId"] for each in lines} == {run["runId"]}


def test_a_run_says_where_its_time_went(start: Callable[..., EdgePage]) -> None:
    edge = start(profile=True)

    profile = edge.infer("busy")["ok"]["profile"]
    assert "error" in edge.infer("busy", {"fail": True})

    assert profile["cpuMs"] >= 20 and profile["inferMs"] > 0 and profile["heapBytes"] > 1e6
    assert profile["waitMs"] >= profile["inferMs"] and profile["laneMs"] >= 0
    assert profile["asks"] == {"put": 1, "query": 1, "infer": 1}
    assert [(each["sql"][:8], each["rows"]) for each in profile["queries"]] == [("select 1", 2)]
    first, second = (each for each in edge.seen("log") if "profile" in each)
    assert first["profile"] == profile and first["level"] == "debug"
    assert second["profile"]["asks"] == profile["asks"] and second["profile"]["cpuMs"] >= 20


def test_nobody_is_profiled_who_did_not_ask(start: Callable[..., EdgePage]) -> None:
    edge = start()

    assert "profile" not in edge.infer("talks")["ok"]
    assert not [each for each in edge.seen("log") if "profile" in each]
