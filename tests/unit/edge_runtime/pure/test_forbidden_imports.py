"""A forbidden module takes what is below it along, and nothing beside it."""

import pytest
from edge_runtime.pure.forbidden_imports import forbidden_import


@pytest.mark.parametrize(
    ("module", "entry"),
    [
        ("js", "js"),
        ("pyodide.ffi.wrappers", "pyodide"),
        ("concurrent.futures.thread", "concurrent.futures"),
        ("urllib.request", "urllib.request"),
        ("urllib", None),
        ("urllib.parse", None),
        ("urllib.requests", None),
        ("jsonschema", None),
        ("json", None),
        ("asyncio", None),
        ("", None),
    ],
)
def test_which_entry_forbids_a_module(module: str, entry: str | None) -> None:
    assert forbidden_import(module) == entry
