"""What a shop does without us: a server ranks, behind a mobile network."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .harness import ASSETS, DEMO_DIST

HISTORY_LENGTH: Final = 20
ROUND_TRIP_MS: Final = 80
# The rates of Chrome DevTools' preset "Fast 4G", whose own latency is higher.
DOWN_BYTES_PER_S: Final = 9_000_000 * 0.9 / 8
UP_BYTES_PER_S: Final = 1_500_000 * 0.9 / 8

PAGE: Final = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>cloud</title></head>
  <body>
    <main>BUTTONS</main>
    <script src="/cloud.js"></script>
  </body>
</html>
"""


class Ranker:
    """The demo's ranker in onnxruntime, one thread: the server's, and the judge of every answer."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = DEMO_DIST / "models" / "ranker.onnx"
        self._session = onnxruntime.InferenceSession(model, options)
        catalogue = json.loads((DEMO_DIST / "catalogue.json").read_text())
        self.items: list[int] = [row["item"] for row in catalogue]

    def rank(self, hist: list[int]) -> dict[str, Any]:
        """Return what the demo's task returns for the clicks ``hist``, oldest first."""
        recent = hist[-HISTORY_LENGTH:]
        padded = [0] * (HISTORY_LENGTH - len(recent)) + recent
        feeds = {"hist": np.array(padded, np.int64), "cand": np.array(self.items, np.int64)}
        score = self._session.run(["score"], feeds)[0].tolist()
        best_first = sorted(range(len(score)), key=score.__getitem__, reverse=True)
        return {
            "order": [self.items[place] for place in best_first],
            "scores": [score[place] for place in best_first],
            "hist": recent,
        }

    def route(self) -> Route:
        """Return ``POST /rank``, which answers a JSON array of clicks."""

        async def answer(request: Request) -> JSONResponse:
            return JSONResponse(self.rank(await request.json()))

        return Route("/rank", answer, methods=["POST"])


def cloud_site(folder: Path, items: list[int]) -> Path:
    """Write the site of a page with a button per product."""
    folder.mkdir(parents=True)
    buttons = "".join(f'<button data-item="{item}">{item}</button>' for item in items)
    (folder / "index.html").write_text(PAGE.replace("BUTTONS", buttons))
    (folder / "cloud.js").write_text((ASSETS / "cloud.js").read_text())
    return folder


def emulate_4g(page: Page) -> None:
    """Put the page's requests behind a 4G connection; opening one costs nothing, as if open."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {
        "offline": False,
        "latency": ROUND_TRIP_MS,
        "downloadThroughput": DOWN_BYTES_PER_S,
        "uploadThroughput": UP_BYTES_PER_S,
    }
    session.send("Network.emulateNetworkConditions", conditions)
