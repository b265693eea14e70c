"""The demo's real tasks and models on the real core under CPython, without a page."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from edge_runtime.config import parse_config
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import InferRequest, Runtime

from demo_h5.build import DEMO
from demo_h5.model_files import MODELS

CATALOGUE: list[dict[str, Any]] = json.loads((MODELS / "catalogue.json").read_text())
CATEGORY_OF = {row["item"]: row["category"] for row in CATALOGUE}


class Shop:
    """The demo's configuration, tasks and models on a runtime without a page."""

    def __init__(self, site: Path) -> None:
        self.results: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        plain = json.loads((DEMO / "config.json").read_text())
        config = parse_config({**plain, "trust": {"unsigned": True}})
        host = create_native_host(root=site, on_notice=self.notice)
        self.runtime = Runtime(host, config, site.as_uri() + "/config.json")
        self.events = 0

    def notice(self, name: str, body: Any) -> None:
        assert name == "result", body
        self.results.append(body["value"])
        self.changed.set()

    async def click(self, page: str, sku: object) -> dict[str, Any]:
        """Click a product and return what the triggered run says."""
        self.events += 1
        self.changed.clear()
        row = [f"e{self.events}", 1.8e12, "mta", page, "item", 0, {"sku": sku}]
        self.runtime.track(json.dumps([row]))
        await asyncio.wait_for(self.changed.wait(), 20)
        return self.results[-1]

    async def infer(self, code: str, **ext_data: Any) -> Any:
        request = InferRequest(1, "demo-shop", code, ext_data=ext_data)
        return (await self.runtime.infer(request)).value


Visit = Callable[[Callable[[Shop], Awaitable[None]]], None]
