"""What a page may ask of the core, on a store that only keeps what it is told."""

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PACKAGE = "edge_runtime.host.browser"


class Data:
    """Keys in a dict."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"edge.runs": [], "mine": 1}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    async def put(self, key: str, value: Any, encrypted: bool | None) -> None:
        self.values[key] = value

    async def delete(self, key: str) -> None:
        del self.values[key]


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    ffi = ModuleType("pyodide.ffi")
    ffi.__getattr__ = lambda name: Exception  # type: ignore[method-assign]
    ffi.to_js = lambda value, **_: value  # type: ignore[attr-defined]
    js = ModuleType("js")
    js.Object = SimpleNamespace(fromEntries=None)  # type: ignore[attr-defined]
    for module in (js, ffi, ModuleType("pyodide")):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    module = importlib.import_module(f"{PACKAGE}.core")
    # Eager tasks came with Python 3.12.
    monkeypatch.setattr(module, "_started", asyncio.ensure_future)
    yield module
    # They belong to the stand-ins.
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def asked(core: ModuleType, data: Data, method: str, **params: Any) -> Any:
    """Return what a page gets."""
    runtime = SimpleNamespace(data=data)

    async def ask() -> Any:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        page = core.Core(runtime, lambda _, text, __: answer.set_result(text), None, None)
        page.dispatch(1, method, json.dumps(params), [])
        return json.loads(await answer)

    return asyncio.run(ask())


def test_a_page_writes_keys_of_its_own(core: ModuleType) -> None:
    data = Data()

    asked(core, data, "put", key="new", value=2)
    asked(core, data, "delete", key="mine")

    assert data.values == {"edge.runs": [], "new": 2}


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_page_reads_the_runtimes_own_keys_and_writes_none(core: ModuleType, method: str) -> None:
    data = Data()

    refused = asked(core, data, method, key="edge.runs", value=2)["error"]

    assert refused["code"] == "argument-invalid" and '"edge.runs"' in refused["message"]
    assert asked(core, data, "get", key="edge.runs") == {"value": []}
    assert data.values == Data().values
