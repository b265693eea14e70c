"""What a configuration says of model files, as a page meets it: weights apart, seals, variants."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import BrowserContext, Page
from typer.testing import CliRunner

from web_runtime.cli import main
from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .inference_stage import InferencePage
from .lanes import matmul
from .site import Task, double_model, write_site

FEED = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    ask = activation.ext_data
    feeds = {name: Tensor.of(*each) for name, each in ask["feeds"].items()}
    outputs = await ctx.infer(ask["model"], feeds)
    return {name: [each.dtype, list(each.shape), list(map(str, each.tolist()))]
            for name, each in outputs.items()}
"""
RANDOM = np.random.default_rng(1)


def tool(*arguments: object) -> None:
    """Run a command of the tool."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output


def site_with(
    folder: Path, models: Mapping[str, Any], files: Mapping[str, bytes], key: bytes = b""
) -> Path:
    """Write a site whose models are configured as given; ``key`` lies in the task's bundle."""
    beside = {"model.key": key} if key else {}
    task = Task("Feed", "feed", FEED, {"models": list(models), "timeout_ms": 60_000}, beside)
    site = write_site(folder, tasks=[task], config={"models": models})
    for name, data in files.items():
        (site / "models" / name).parent.mkdir(parents=True, exist_ok=True)
        (site / "models" / name).write_bytes(data)
    return site


def opened(page: Page, url: str) -> EdgePage:
    edge = EdgePage(page, url).open()
    assert edge.ready()["problems"] == []
    return edge


def feed(edge: EdgePage, model: str, **feeds: Sequence[Any]) -> Any:
    """Return outputs by name, each as dtype, shape and texts of its values."""
    return edge.value("feed", {"model": model, "feeds": feeds})


def apart(folder: Path) -> Path:
    """Write a model whose weights lie in a file of their own, and return its path."""
    folder.mkdir(parents=True)
    model = onnx.load_model_from_string(matmul("n"))
    onnx.save_model(
        model,
        str(folder / "m.onnx"),
        save_as_external_data=True,
        location="m.data",
        size_threshold=0,
    )
    return folder / "m.onnx"


def entry(folder: Path, name: str, **keys: Any) -> dict[str, Any]:
    """Return what a configuration says of a file."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return {"url": f"models/{name}", "sha256": digest, **keys}


ONES = ["float32", [1, 1, 1, 1], [1, 4]]
HALVES = {"y": ["float32", [1, 4], ["2.0"] * 4]}


def test_weights_in_a_file_of_their_own_come_with_the_model(
    serve: Serve, tmp_path: Path, page: Page, context: BrowserContext
) -> None:
    path = apart(tmp_path / "made")
    made = path.parent
    weights = {"path": "m.data", **entry(made, "m.data")}
    models = {"m": {"variants": [entry(made, "m.onnx", external=[weights])]}}
    files = {each.name: each.read_bytes() for each in made.iterdir()}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files)))

    assert feed(edge, "m", x=ONES) == HALVES
    assert edge.call("statistics")["ok"]["modelFiles"]["files"] == 2

    context.route("**/models/*", lambda route: route.abort())
    edge.open().ready()
    assert feed(edge, "m", x=ONES) == HALVES


def test_wrong_weights_are_refused(serve: Serve, tmp_path: Path, page: Page) -> None:
    made = apart(tmp_path / "made").parent
    weights = {"path": "m.data", **entry(made, "m.data"), "sha256": "0" * 64}
    models = {"m": {"variants": [entry(made, "m.onnx", external=[weights])]}}
    files = {each.name: each.read_bytes() for each in made.iterdir()}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files)))

    error = edge.infer("feed", {"model": "m", "feeds": {"x": ONES}})["error"]

    assert error["code"] == "digest-mismatch"
    assert error["details"]["url"].endswith("m.data")


@pytest.mark.parametrize("form", ["as the tool makes it", "bytes"])
def test_a_sealed_model_opens_with_the_key_of_a_bundle(
    serve: Serve, tmp_path: Path, page: Page, form: str
) -> None:
    (tmp_path / "plain.onnx").write_bytes(double_model())
    key = tmp_path / "model.key"
    tool("seal-model", tmp_path / "plain.onnx", "--key", key, "-o", tmp_path / "m.sealed")
    sealed = {"task": "Feed", "key": "model.key"}
    models = {"m": {"variants": [entry(tmp_path, "m.sealed", sealed=sealed)]}}
    given = key.read_bytes() if form != "bytes" else bytes.fromhex(key.read_text())
    files = {"m.sealed": (tmp_path / "m.sealed").read_bytes()}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files, given)))

    assert feed(edge, "m", x=["float32", [1, 2]])["y"][2] == ["2.0", "4.0"]


def test_a_sealed_model_does_not_open_with_another_key(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    (tmp_path / "plain.onnx").write_bytes(double_model())
    tool("seal-model", tmp_path / "plain.onnx", "--key", tmp_path / "k", "-o", tmp_path / "m")
    sealed = {"task": "Feed", "key": "model.key"}
    models = {"m": {"variants": [entry(tmp_path, "m", sealed=sealed)]}}
    files = {"m": (tmp_path / "m").read_bytes()}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files, bytes(32))))

    error = edge.infer("feed", {"model": "m", "feeds": {"x": ["float32", [1]]}})["error"]

    assert error["code"] == "seal-broken"


def test_named_dimensions_are_fixed(serve: Serve, tmp_path: Path, page: Page) -> None:
    (tmp_path / "m.onnx").write_bytes(double_model())
    models = {"m": {"variants": [entry(tmp_path, "m.onnx")], "dimensions": {"n": 3}}}
    files = {"m.onnx": double_model()}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files)))

    assert feed(edge, "m", x=["float32", [1, 2, 3]])["y"][1] == [3]
    error = edge.infer("feed", {"model": "m", "feeds": {"x": ["float32", [1, 2]]}})["error"]
    assert error["code"] == "tensor-invalid", error
    assert "float32[3]" in error["message"]


def mlp() -> onnx.ModelProto:
    """Return two layers, large enough that each precision's file is smaller."""
    weights = {
        "w1": RANDOM.normal(0, 0.1, (64, 96)).astype(np.float32),
        "w2": RANDOM.normal(0, 0.1, (96, 10)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "w2"], ["y"], "second"),
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_optimize_wrote_is_pasted_and_all_of_it_measured(tab: Page, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    onnx.save(mlp(), str(made / "mlp.onnx"))
    tool("optimize", made / "mlp.onnx", "--dimension", "batch=2", "-o", made / "out")
    report = json.loads((made / "out" / "mlp.report.json").read_text())
    [(name, pasted)] = report["models"].items()
    assert {each["precision"] for each in pasted["variants"]} == {"fp32", "fp16", "int8"}
    files = {each.name: each.read_bytes() for each in (made / "out").iterdir()}
    site = site_with(tmp_path / "site", {name: pasted}, files)
    with BackgroundServer(create_app(site, DIST, csp="off")) as server:
        edge = InferencePage(tab, server.url).open()
        assert edge.ready()["problems"] == []
        ran = feed(edge, name, x=["float32", [0.5] * 128, [2, 64]])
        assert ran["y"][1] == [2, 10]
        plans = edge.measured(name)["models"][name]["plans"]

    told = {(each["precision"], each["backend"]) for each in plans}
    assert {("fp32", "wasm"), ("int8", "wasm")} <= told
    assert [each for each in plans if each["backend"] == "wasm" and each["refused"]] == []
