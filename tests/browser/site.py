"""Builds small sites for the browser tests: one page, a configuration, tasks and models."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from playwright.sync_api import Route

from web_runtime.pack import pack_task

ASSETS = Path(__file__).parent / "assets"
SYSTEM = "test-shop"
# A page is at rest later, however long a browser takes from one step of its history to the next.
SLOW_TO_REST = """{
  const { setTimeout } = window;
  window.setTimeout = (action, ms, ...rest) => setTimeout(action, ms === 50 ? 2_000 : ms, ...rest);
}"""

ECHO = """
async def run(ctx, activation):
    return {"ext": dict(activation.ext_data), "trigger": activation.trigger.value}
"""


@dataclass(frozen=True)
class Task:
    """Source of one test task; ``business`` is its business code, ``files`` lie beside it."""

    name: str
    business: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def pack(self, folder: Path) -> bytes:
        folder.mkdir(parents=True)
        keys: dict[str, Any] = {
            "name": self.name,
            "version": "1.0.0",
            "system_code": SYSTEM,
            "business_code": self.business,
            "entry": "main:run",
            **self.options,
        }
        (folder / "task.toml").write_text(
            "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
        )
        (folder / "main.py").write_text(self.source)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return pack_task(folder, packages=folder.parent.parent / "tasks" / "packages")


@dataclass(frozen=True)
class Model:
    """A model that may run wherever it is fastest.

    Attributes:
        data: Its ONNX file.
        options: Keys of the model: ``pin``, ``forbid``, ``dimensions``.
        golden: The JSON value of its golden file; None: it has none.
        keys: Keys of that file, such as ``backends``.
        variants: More files of it, with keys of theirs such as ``precision``.
    """

    data: bytes
    options: Mapping[str, Any] = field(default_factory=dict)
    golden: Any = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[tuple[bytes, Mapping[str, Any]]] = ()

    def write(self, folder: Path, name: str) -> dict[str, Any]:
        """Write its files into ``folder`` / models and return its part of the configuration."""
        files = [(self.data, self.keys), *self.variants]
        urls = [
            f"models/{name}{f'-{number}' if number else ''}.onnx" for number in range(len(files))
        ]
        for url, (data, _) in zip(urls, files, strict=True):
            (folder / url).write_bytes(data)
        plain: dict[str, Any] = {
            **self.options,
            "variants": [
                {"url": url, "sha256": hashlib.sha256(data).hexdigest(), **keys}
                for url, (data, keys) in zip(urls, files, strict=True)
            ],
        }
        if self.golden is not None:
            plain["golden"] = f"models/{name}.golden.json"
            (folder / plain["golden"]).write_text(json.dumps(self.golden))
        return plain


def _toml(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return f"{{ {', '.join(f'{key} = {_toml(inner)}' for key, inner in value.items())} }}"


def double_model(length: int | str = "n") -> bytes:
    """Return an ONNX model ``y = x * 2`` for float32 ``x[length]``; text names a dynamic axis."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [length])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [length])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_site(
    folder: Path,
    *,
    tasks: Sequence[Task] = (Task("Echo", "echo", ECHO),),
    models: Mapping[str, bytes | Model] | None = None,
    config: Mapping[str, Any] | str | None = None,
    backend: str = "wasm",
) -> Path:
    """Write a servable site and return its folder.

    Args:
        folder: Empty folder to fill.
        tasks: Packed into ``/tasks/<name>.edge`` and listed in the configuration.
        models: By name, listed with their true digest; an ONNX file alone is for ``backend``.
        config: Keys that replace generated ones, or the raw text of ``config.json``.
        backend: The only backend of models that are not a :class:`Model`.
    """
    shutil.copytree(ASSETS, folder, dirs_exist_ok=True)
    (folder / "tasks").mkdir()
    (folder / "models").mkdir()
    for task in tasks:
        packed = task.pack(folder / "src" / task.name)
        (folder / "tasks" / f"{task.name}.edge").write_bytes(packed)
    generated = {
        "schemaVersion": 1,
        "systemCode": SYSTEM,
        "bundles": [f"tasks/{task.name}.edge" for task in tasks],
        "models": {
            name: _model(each, backend).write(folder, name) for name, each in (models or {}).items()
        },
        "triggers": [],
        "trust": {"unsigned": True},
    }
    text = config if isinstance(config, str) else json.dumps({**generated, **(config or {})})
    (folder / "config.json").write_text(text)
    return folder


def _model(given: bytes | Model, backend: str) -> Model:
    return given if isinstance(given, Model) else Model(given, keys={"backend": backend})


def click_trigger(task_name: str, click_id: str) -> dict[str, Any]:
    pattern = {"type": "mta", "pageId": "Test", "needPv": False, "clickIds": [click_id]}
    return {"taskName": task_name, "events": [pattern]}


def with_prefix(code: str) -> Callable[[Route], None]:
    """Return a route handler that runs ``code`` in front of a script."""

    def fulfill(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=f"{code}\n{response.text()}")

    return fulfill
