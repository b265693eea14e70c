"""Python beside the core, in the runtime worker's own interpreter: tasks cannot import the core."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tests.browser.workers import worker_of

from .harness import DIST

# Keeps the interpreter for us in each realm that starts one; a VM's realm gives it away again.
LOADER: Final = """
import * as pyodide from "./loader.mjs";
export const { version } = pyodide;
export async function loadPyodide(options) {
  const python = await pyodide.loadPyodide(options);
  globalThis.bench = { python, modules: {} };
  return python;
}
"""
ASK: Final = """async ([name, source, extra]) => {
  const { python, modules } = globalThis.bench;
  if (!modules[name]) {
    const names = python.toPy({ __name__: name });
    python.runPython(source, { globals: names });
    modules[name] = names.get("run_json");
  }
  return JSON.parse(await modules[name](JSON.stringify(extra)));
}"""
RUN_JSON: Final = """
import json

async def run_json(text):
    return json.dumps(await run(json.loads(text)))
"""


def with_inside() -> list[Route]:
    """Return routes by which a served site lets :func:`ask_inside` in."""
    folder = json.loads((DIST / "manifest.json").read_text())["assets"]["pyodide"]
    original = DIST / folder / "pyodide.mjs"

    async def loader(_request: Request) -> Response:
        return Response(LOADER, media_type="text/javascript")

    async def pyodide(_request: Request) -> Response:
        return FileResponse(original, media_type="text/javascript")

    names = {"pyodide.mjs": loader, "loader.mjs": pyodide}
    return [Route(f"/edge/{folder}/{name}", answer) for name, answer in names.items()]


def ask_inside(page: Page, module: ModuleType, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``module.run(extra)`` does in the page's runtime worker; both are JSON values.

    The module is imported there once.
    """
    source = Path(str(module.__file__)).read_text() + RUN_JSON
    return dict(worker_of(page).evaluate(ASK, [module.__name__, source, dict(extra)]))
