"""Small ONNX models and pictures, made when the tests run; CPython only."""

import io
from pathlib import Path

from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_inference import FakeInference, FakeModel
from edge_runtime.types import TensorSpec
from onnx import TensorProto, helper
from PIL import Image

from .images_suite import BLUE, GREEN, RED, WHITE
from .run_in_pyodide import Fixtures
from .tensor_models import define_tensor_models, serialized, tensor_models

QUARTERS = [[RED, RED, GREEN, GREEN]] * 2 + [[BLUE, BLUE, WHITE, WHITE]] * 2
WIDE = [[RED, RED, BLUE, BLUE, BLUE, BLUE, RED, RED]] * 4


def onnx_models() -> dict[str, bytes]:
    """Return the models of ``inference_suite`` and ``tensor_suite``."""
    a, b, total = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in ("a", "b", "sum")
    )
    add = helper.make_graph([helper.make_node("Add", ["a", "b"], ["sum"])], "add", [a, b], [total])
    return {**tensor_models(), "add": serialized(add), "echo_float32": _echo()}


def define_models(inference: FakeInference, models: dict[str, bytes]) -> None:
    """Teach the fake engine the same models."""
    define_tensor_models(inference, models)
    x, y = (TensorSpec(name, "float32", ("n",)) for name in ("x", "y"))
    echo = FakeModel((x,), (y,), lambda feeds: {"y": feeds["x"]})
    inference.define(models["echo_float32"], echo)
    a, b, total = (TensorSpec(name, "float32", (2, 3)) for name in ("a", "b", "sum"))
    inference.define(models["add"], FakeModel((a, b), (total,), _add))


def png_pictures() -> dict[str, bytes]:
    """Return the pictures of ``images_suite`` as PNG."""
    return {"quarters": _png(QUARTERS), "wide": _png(WIDE)}


def ppm_pictures() -> dict[str, bytes]:
    """Return the pictures of ``images_suite`` as PPM, which the fake decodes."""
    return {"quarters": _ppm(QUARTERS), "wide": _ppm(WIDE)}


def bodies() -> dict[str, bytes]:
    """Return bodies by relative path for ``network_suite``."""
    return {"empty.bin": b"", "text.json": b'{"a": 1}\n', "large.bin": bytes(range(256)) * 4096}


def write_all(folder: Path) -> Fixtures:
    """Write every fixture below ``folder`` as ``files/``, ``models/`` and ``pictures/``."""
    fixtures = Fixtures(bodies(), onnx_models(), png_pictures())
    for kind in ("files", "models", "pictures"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, data in getattr(fixtures, kind).items():
            (folder / kind / name).write_bytes(data)
    return fixtures


def _echo() -> bytes:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y"))
    node = helper.make_node("Identity", ["x"], ["y"])
    return serialized(helper.make_graph([node], "echo", [x], [y]))


def _add(feeds: dict[str, Tensor]) -> dict[str, Tensor]:
    pairs = zip(feeds["a"].tolist(), feeds["b"].tolist(), strict=True)
    return {"sum": Tensor.float32([a + b for a, b in pairs], (2, 3))}


def _png(rows: list[list[tuple[int, int, int]]]) -> bytes:
    picture = Image.new("RGB", (len(rows[0]), len(rows)))
    picture.putdata([pixel for row in rows for pixel in row])
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _ppm(rows: list[list[tuple[int, int, int]]]) -> bytes:
    header = f"P6 {len(rows[0])} {len(rows)} 255\n".encode()
    return header + bytes(value for row in rows for pixel in row for value in pixel)
