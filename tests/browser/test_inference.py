"""Backends on the real browser: what was asked for, what ran, and why it fell back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.bundle_writer import write_bundle
from edge_runtime.pure.manifest import from_task_toml
from edge_runtime.pure.manifest_fields import Package
from playwright.sync_api import Page

from .conftest import OpenModels, Serve
from .edge_page import EdgePage
from .inference_stage import InferencePage
from .site import SYSTEM, Model, Task, double_model, write_site

DOUBLE = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    outputs = await ctx.infer("double", {"x": Tensor.float32(activation.ext_data["x"])})
    return outputs["y"].tolist()
"""
# Starting the engine takes a busy machine longer than a task has.
UNHURRIED = {"models": ["double"], "timeout_ms": 60_000}
TASK = Task("Double", "double", DOUBLE, UNHURRIED)


SHAPE = (3,)
NO_ADAPTER = "no adapter on this device"
NO_WEBNN = "this browser or page does not offer it"


# What is pinned to an accelerator has the device asked for all of them before it runs.
LOOK = {"look": Model(double_model(3), {"pin": "webgpu"})}


def double(**options: Any) -> dict[str, Model]:
    return {**LOOK, "double": Model(double_model(3), options)}


def run_informed(page: InferencePage) -> tuple[Any, dict[str, Any]]:
    page.run("look", SHAPE)
    return page.run("double", SHAPE)


def double_site(folder: Path, backend: str) -> Path:
    return write_site(folder, tasks=[TASK], models={"double": double_model()}, backend=backend)


def run_double(edge: EdgePage) -> tuple[Any, dict[str, Any]]:
    edge.ready()
    settled = edge.infer("double", {"x": [1, -2.5, 0]})
    assert "ok" in settled, settled
    return settled["ok"]["value"], settled["ok"]["backend"]["double"]


def test_a_file_for_wasm_runs_there(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(double_site(tmp_path / "site", "wasm"))).open()

    value, backend = run_double(edge)

    assert value == [2, -5, 0]
    assert backend["name"] == "wasm" and backend["threads"] == 1
    assert "fallbackReason" not in backend


def test_isolation_gives_the_wasm_backend_threads(serve: Serve, tmp_path: Path, page: Page) -> None:
    edge = EdgePage(page, serve(double_site(tmp_path / "site", "wasm"), isolated=True)).open()
    edge.ready()
    cores = page.evaluate("() => navigator.hardwareConcurrency")

    value, backend = run_double(edge)

    assert value == [2, -5, 0]
    assert backend["name"] == "wasm" and backend["threads"] == min(4, (cores + 1) // 2)


def test_a_browser_without_accelerators_says_so(open_models: OpenModels, page: Page) -> None:
    value, backend = run_informed(open_models(double(), page=page))

    assert value == [2, 2]
    assert backend == {
        "name": "wasm",
        "threads": 1,
        "refused": {"webgpu": NO_ADAPTER, "webnn": NO_WEBNN},
    }


@pytest.mark.parametrize(("asked", "reason"), [("webgpu", NO_ADAPTER), ("webnn", NO_WEBNN)])
@pytest.mark.parametrize("spelling", ["pin", "backend"])
def test_an_absent_backend_falls_back_and_says_why(
    open_models: OpenModels, page: Page, asked: str, reason: str, spelling: str
) -> None:
    keys = {"backend": asked} if spelling == "backend" else {}
    options = {"pin": asked} if spelling == "pin" else {}
    opened = open_models({"double": Model(double_model(3), options, keys=keys)}, page=page)

    value, backend = opened.run("double", SHAPE)

    assert value == [2, 2]
    assert backend["name"] == "wasm"
    assert backend["fallbackReason"] == f"{asked}: {reason}"
    assert backend["refused"][asked] == reason


def test_webgpu_in_software_is_refused_unless_it_is_pinned(open_models: OpenModels) -> None:
    page = open_models(double())

    value, pinned = page.run("look", SHAPE)
    _, free = page.run("double", SHAPE)

    assert value == [2, 2]
    assert pinned["name"] == "webgpu" and "fallbackReason" not in pinned
    assert free["name"] in ("wasm", "webnn")
    assert "software adapter" in free["refused"]["webgpu"]
    plans = page.statistics()["models"]
    assert plans["look"]["plans"][0]["backend"] == "webgpu"
    assert "webgpu" not in [plan["backend"] for plan in plans["double"]["plans"]]


def test_a_pinned_backend_runs_from_the_first_call_on(open_models: OpenModels) -> None:
    page = open_models(double(pin="webnn"))

    value, backend = page.run("double", SHAPE)

    assert value == [2, 2]
    assert backend["name"] == "webnn" and backend["device"] == "cpu"
    assert "fallbackReason" not in backend
    assert page.statistics()["lanes"].keys() == {"webnn-cpu"}


def test_a_forbidden_backend_is_not_used(open_models: OpenModels) -> None:
    page = open_models(double(forbid=["webnn"]))

    _, backend = run_informed(page)

    assert backend["name"] == "wasm"
    assert backend["refused"]["webnn"] == "the configuration forbids it"
    assert [plan["backend"] for plan in page.statistics()["models"]["double"]["plans"]] == ["wasm"]


def test_a_model_that_may_not_use_wasm_begins_on_another_backend(open_models: OpenModels) -> None:
    value, backend = open_models(double(forbid=["wasm"])).run("double", SHAPE)

    assert value == [2, 2]
    assert backend["name"] == "webnn"
    assert backend["refused"]["wasm"] == "the configuration forbids it"


@pytest.mark.parametrize("options", [{}, {"pin": "webnn"}], ids=["free", "pinned"])
def test_webnn_under_the_strict_csp_is_refused_with_this_reason(
    open_models: OpenModels, options: dict[str, Any]
) -> None:
    page = open_models(double(**options), csp="strict")

    value, backend = run_informed(page)

    assert value == [2, 2]
    assert backend["name"] == "wasm"
    assert "'unsafe-eval'" in backend["refused"]["webnn-cpu"]
    assert ("'unsafe-eval'" in backend.get("fallbackReason", "")) == bool(options)


def test_webnn_is_not_said_to_run_what_it_cannot(open_models: OpenModels) -> None:
    models = {
        "free": Model(double_model("n"), {"pin": "webnn"}),
        "fixed": Model(double_model("n"), {"pin": "webnn", "dimensions": {"n": 3}}),
    }
    page = open_models(models)

    value, free = page.run("free", SHAPE)
    _, fixed = page.run("fixed", SHAPE)

    assert value == [2, 2]
    assert free["name"] == "wasm"
    assert "CPU provider" in free["fallbackReason"] or "free dimension" in free["fallbackReason"]
    assert fixed["name"] == "webnn"


def test_the_fp16_file_is_not_for_an_adapter_without_halves(open_models: OpenModels) -> None:
    half = (double_model(3), {"precision": "fp16", "backends": ["webgpu"], "requires": ["no-such"]})
    page = open_models({**LOOK, "double": Model(double_model(3), variants=[half])})

    _, backend = run_informed(page)

    assert "webgpu" in backend["refused"]
    precisions = {plan["precision"] for plan in page.statistics()["models"]["double"]["plans"]}
    assert precisions == {"fp32"}


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
    task = Task("Feeds", "feeds", source, UNHURRIED)
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
    task = Task("Numpy", "numpy", source, {**UNHURRIED, "packages": ["numpy"]})
    site = write_site(tmp_path / "site", tasks=[task], models={"double": double_model()})
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    assert edge.value("numpy") == {"sum": 6.0, "dtype": "float32"}


def test_a_package_that_is_not_shipped_disables_its_task_only(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    source = "async def run(ctx, activation):\n    return 1\n"
    config = {"bundles": ["tasks/Pandas.edge", "tasks/Double.edge"], "vms": 0}
    models = {"double": double_model()}
    site = write_site(tmp_path / "site", tasks=[TASK], models=models, config=config)
    # Nothing that packs a task lets this through.
    files = {"main.py": source.encode()}
    task = {"name": "Pandas", "version": "1", "system_code": SYSTEM, "business_code": "pandas"}
    manifest = replace(from_task_toml(task, files), packages=(Package("pandas"),))
    (site / "tasks" / "Pandas.edge").write_bytes(write_bundle(manifest, files))
    edge = EdgePage(page, serve(site)).open()

    problems = edge.ready()["problems"]

    assert [problem["code"] for problem in problems] == ["feature-missing"]
    assert "pandas" in problems[0]["message"]
    assert run_double(edge)[0] == [2, -5, 0]
