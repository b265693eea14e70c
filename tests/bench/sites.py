"""Sites the benchmarks serve."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.browser.site import Task, write_site

PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>bench</title></head>
  <body data-edge-page="Bench">
    <main><ul><li>
      <button id="target" data-edge-click="hit" data-edge-props='{"sku": 1}'>hit</button>
    </li></ul></main>
    SCRIPTS
  </body>
</html>
"""
MLP_ROWS, MLP_WIDTHS = 50, (64, 128, 64, 1)


def plain_site(
    folder: Path,
    *,
    tasks: Sequence[Task] = (),
    models: Mapping[str, bytes] | None = None,
    config: Mapping[str, Any] | None = None,
    extra: Iterable[Path] = (),
    scripts: Sequence[str] = ("/edge/edge.js", "/peers.js"),
) -> Path:
    """Write a site whose page loads ``scripts`` and nothing else.

    ``extra`` files go to its root.
    """
    site = write_site(folder, tasks=tasks, models=models, config=config)
    (site / "index.html").write_text(page_with(scripts))
    for path in extra:
        shutil.copy(path, site / path.name)
    return site


def page_with(scripts: Sequence[str]) -> str:
    """Return the page that loads ``scripts``."""
    tags = "".join(f'<script src="{script}"></script>' for script in scripts)
    return PAGE.replace("SCRIPTS", tags)


def mlp() -> bytes:
    """Return a seeded MLP 64-128-64-1 with ReLU for float32 ``x[50, 64]``."""
    rng = np.random.default_rng(7)
    nodes, weights, name = [], [], "x"
    for layer, (fan_in, fan_out) in enumerate(zip(MLP_WIDTHS, MLP_WIDTHS[1:], strict=False)):
        matrix = rng.normal(0, fan_in**-0.5, (fan_in, fan_out)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"w{layer}"))
        last = layer == len(MLP_WIDTHS) - 2
        output = "y" if last else f"z{layer}"
        nodes.append(helper.make_node("MatMul", [name, f"w{layer}"], [output]))
        if not last:
            nodes.append(helper.make_node("Relu", [output], [f"h{layer}"]))
        name = f"h{layer}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [MLP_ROWS, MLP_WIDTHS[0]])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [MLP_ROWS, MLP_WIDTHS[-1]])
    graph = helper.make_graph(nodes, "mlp", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
