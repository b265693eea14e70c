"""What a page may ask of the core, on a store that only keeps what it is told."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from edge_runtime.errors import HostError
from edge_runtime.run_events import TAKEN_UP_MS

PACKAGE = "edge_runtime.host.browser"
NOW_MS = 1_700_000_000_000


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


def asked(core: ModuleType, runtime: Any, method: str, outbox: Any = None, **params: Any) -> Any:
    """Return what a page gets."""

    async def ask() -> Any:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        host = SimpleNamespace(
            network=None, crypto=None, clock=SimpleNamespace(now_ms=lambda: NOW_MS)
        )
        page = core.Core(runtime, lambda _, text, __: answer.set_result(text), host, None)
        page._outbox = outbox
        page.dispatch(1, method, json.dumps(params), [])
        return json.loads(await answer)

    return asyncio.run(ask())


def test_a_page_writes_keys_of_its_own(core: ModuleType) -> None:
    data = Data()

    asked(core, SimpleNamespace(data=data), "put", key="new", value=2)
    asked(core, SimpleNamespace(data=data), "delete", key="mine")

    assert data.values == {"edge.runs": [], "new": 2}


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_page_reads_the_runtimes_own_keys_and_writes_none(core: ModuleType, method: str) -> None:
    data = Data()

    refused = asked(core, SimpleNamespace(data=data), method, key="edge.runs", value=2)["error"]

    assert refused["code"] == "argument-invalid" and '"edge.runs"' in refused["message"]
    assert asked(core, SimpleNamespace(data=data), "get", key="edge.runs") == {"value": []}
    assert data.values == Data().values


class Letters:
    """Opens a letter as one batch; what begins with ``old`` is."""

    async def open(self, letters: str, since_ms: float, take: Callable[[str, bool], None]) -> None:
        assert since_ms == NOW_MS - TAKEN_UP_MS
        take(letters, letters.startswith("old"))

    async def paper(self) -> dict[str, str]:
        return {"seal": "s"}


class Keeper:
    """A runtime that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.failure: HostError | None = None
        self.data = SimpleNamespace(add_batch=self.asked.append)

    async def flush(self) -> None:
        if self.failure:
            raise self.failure
        self.asked.append("flush")

    def track(self, batch: str, client: str, *, is_again: bool) -> None:
        self.asked.append((batch, client, is_again))


def test_a_page_brings_letters_and_gets_paper_once_they_are_durable(core: ModuleType) -> None:
    runtime = Keeper()

    answers = [
        asked(core, runtime, "outbox", Letters(), client="page", **letters)
        for letters in ({}, {"letters": "new"}, {"letters": "old"}, {"letters": 5})
    ]

    assert answers == [{"value": {"seal": "s"}}] * 4
    new, old = ("new", "page", True), "old"
    flush = "flush"
    assert runtime.asked == [flush, flush, new, flush, flush, old, flush, flush]


def test_where_nothing_can_be_stored_letters_wait_and_there_is_no_paper(core: ModuleType) -> None:
    runtime = Keeper()
    runtime.failure = HostError("storage-full", "full")

    refused = asked(core, runtime, "outbox", Letters(), client="page", letters="new")

    assert refused["error"]["code"] == "storage-full"
    assert runtime.asked == []
