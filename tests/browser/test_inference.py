"""Backends on the real browser: what was asked for, what ran, and why it fell back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page

from web_runtime.browser import launch_options

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, double_model, write_site

pytestmark = pytest.mark.browser

DOUBLE = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    outputs = await ctx.infer("double", {"x": Tensor.float32(activation.ext_data["x"])})
    return outputs["y"].tolist()
"""
TASK = Task("Double", "double", DOUBLE, {"models": ["double"]})


def double_site(folder: Path, backend: str, length: int | str = "n") -> Path:
    models = {"double": double_model(length)}
    return write_site(folder, tasks=[TASK], models=models, backend=backend)


def run_double(edge: EdgePage) -> tuple[Any, dict[str, Any]]:
    edge.ready()
    settled = edge.infer("double", {"x": [1, -2.5, 0]})
    assert "ok" in settled, settled
    return settled["ok"]["value"], settled["ok"]["backend"]["double"]


def test_wasm_is_the_default(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(double_site(tmp_path / "site", "wasm"))).open()

    value, backend = run_double(edge)

    assert value == [2, -5, 0]
    assert backend == {"name": "wasm", "threads": 1}


def test_isolation_gives_the_wasm_backend_threads(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(double_site(tmp_path / "site", "wasm"), isolated=True)).open()
    edge.ready()
    cores = page.evaluate("() => navigator.hardwareConcurrency")

    value, backend = run_double(edge)

    assert value == [2, -5, 0]
    assert backend == {"name": "wasm", "threads": min(4, (cores + 1) // 2)}


@pytest.mark.parametrize(("asked", "label"), [("webgpu", "WebGPU"), ("webnn", "WebNN")])
def test_an_absent_backend_falls_back_and_says_why(
    serve: Serve, tmp_path: Path, page: Page, asked: str, label: str
) -> None:
    edge = EdgePage(page, serve(double_site(tmp_path / "site", asked))).open()

    value, backend = run_double(edge)

    assert value == [2, -5, 0]
    assert backend["name"] == "wasm"
    assert label in backend["fallbackReason"]


@contextmanager
def accelerated_page(browser_type: BrowserType, **accelerators: bool) -> Iterator[Page]:
    """Open a page of a browser that offers these accelerators."""
    browser = browser_type.launch(**launch_options(**accelerators))
    try:
        yield browser.new_page()
    finally:
        browser.close()


def test_webgpu_runs_where_the_device_has_it(
    serve: Serve, tmp_path: Path, browser_type: BrowserType
) -> None:
    url = serve(double_site(tmp_path / "site", "webgpu"))

    with accelerated_page(browser_type, webgpu=True) as page:
        value, backend = run_double(EdgePage(page, url).open())

    assert value == [2, -5, 0]
    assert backend == {"name": "webgpu", "threads": 1}


def test_webnn_under_the_strict_csp_is_refused_with_this_reason(
    serve: Serve, tmp_path: Path, browser_type: BrowserType
) -> None:
    url = serve(double_site(tmp_path / "site", "webnn"))

    with accelerated_page(browser_type, webnn=True) as page:
        value, backend = run_double(EdgePage(page, url).open())

    assert value == [2, -5, 0]
    assert backend["name"] == "wasm"
    assert "unsafe-eval" in backend["fallbackReason"]


def test_webnn_runs_without_that_policy(
    serve: Serve, tmp_path: Path, browser_type: BrowserType
) -> None:
    url = serve(double_site(tmp_path / "site", "webnn", length=3), csp="off")

    with accelerated_page(browser_type, webnn=True) as page:
        value, backend = run_double(EdgePage(page, url).open())

    assert value == [2, -5, 0]
    assert backend == {"name": "webnn", "threads": 1}


def test_webnn_is_not_said_to_run_what_it_cannot(
    serve: Serve, tmp_path: Path, browser_type: BrowserType
) -> None:
    url = serve(double_site(tmp_path / "site", "webnn", length="n"), csp="off")

    with accelerated_page(browser_type, webnn=True) as page:
        value, backend = run_double(EdgePage(page, url).open())

    assert value == [2, -5, 0]
    assert backend["name"] == "wasm"
    assert "CPU provider" in backend["fallbackReason"]


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ("{}", "x"),
        ("{'x': Tensor.int64([1])}", "float32"),
        ("{'x': Tensor.float32([1], (1, 1))}", "[1, 1]"),
        ("{'x': Tensor.float32([1]), 'z': Tensor.float32([1])}", "z"),
    ],
    ids=["missing", "dtype", "rank", "unexpected"],
)
def test_wrong_feeds_name_what_was_expected(
    serve: Serve, tmp_path: Path, page: Page, feeds: str, expected: str
) -> None:
    source = (
        "from edge_runtime.task import Tensor\n"
        "async def run(ctx, activation):\n"
        f"    return await ctx.infer('double', {feeds})\n"
    )
    task = Task("Feeds", "feeds", source, {"models": ["double"]})
    site = write_site(tmp_path / "site", tasks=[task], models={"double": double_model()})
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    error = edge.infer("feeds")["error"]

    assert error["code"] in {"tensor-invalid", "task-raised"}
    assert "expected" in error["message"] and expected in error["message"]


def test_numpy_is_there_for_a_task_that_lists_it(serve: Serve, tmp_path: Path, page: Page) -> None:
    source = """
import numpy as np

async def run(ctx, activation):
    outputs = await ctx.infer("double", {"x": np.arange(3, dtype=np.float32)})
    y = outputs["y"].numpy()
    return {"sum": float(y.sum()), "dtype": str(y.dtype)}
"""
    task = Task("Numpy", "numpy", source, {"models": ["double"], "packages": ["numpy"]})
    site = write_site(tmp_path / "site", tasks=[task], models={"double": double_model()})
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    assert edge.value("numpy") == {"sum": 6.0, "dtype": "float32"}


def test_a_package_that_is_not_shipped_disables_its_task_only(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    source = "async def run(ctx, activation):\n    return 1\n"
    tasks = [Task("Pandas", "pandas", source, {"packages": ["pandas"]}), TASK]
    site = write_site(tmp_path / "site", tasks=tasks, models={"double": double_model()})
    edge = EdgePage(page, serve(site)).open()

    problems = edge.ready()["problems"]

    assert [problem["code"] for problem in problems] == ["feature-missing"]
    assert "pandas" in problems[0]["message"]
    assert run_double(edge)[0] == [2, -5, 0]
