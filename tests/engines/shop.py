"""A small shop under a strict policy, and one page of it as a test sees it."""

import json
from pathlib import Path
from typing import Any, Self

from tests.browser.site import ECHO, SYSTEM, Model, Task, double_model, write_site
from tests.browser.test_left_page import PAPERS
from web_runtime.keys import SigningKey, signing_of
from web_runtime.pack import pack_task

from .driver import Tab, evaluate

FAILURES = """
window.failures = [];
addEventListener("error", (event) => failures.push(String(event.message)));
addEventListener("unhandledrejection", (event) => failures.push(String(event.reason)));
"""
EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select type, page_id, click_id, pv, props from events order by id")
"""
INFER = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    outputs = await ctx.infer("NAME", {"x": Tensor.float32(activation.ext_data["x"])})
    return outputs["y"].tolist()
"""
PICTURE = """
async def run(ctx, activation):
    image = await ctx.decode_image(bytes(activation.ext_data["bytes"]), width_px=1, height_px=1)
    return [list(image.shape), list(image.data)]
"""
LOOP = "async def run(ctx, activation):\n    while True:\n        pass\n"
RAISE = "async def run(ctx, activation):\n    raise ValueError('a defect')\n"
# An engine takes seconds to compile what runs models, on a busy machine more than a task has.
PATIENT = {"timeout_ms": 40_000}
SIGNED = Task("Signed", "signed", ECHO)
FORGED = Task("Forged", "forged", ECHO)
KEY = SigningKey("shop", b"\1" * 32, b"\2" * 32)
TASKS = [
    Task("Echo", "echo", ECHO),
    Task("Events", "events", EVENTS),
    Task("Picture", "picture", PICTURE),
    Task("Raise", "raise", RAISE),
    Task("Loop", "loop", LOOP, {"timeout_ms": 700}),
    *(
        Task(name.title(), name, INFER.replace("NAME", name), {"models": [name], **PATIENT})
        for name in ("double", "pinned")
    ),
]
TRIGGERS = [
    {
        "taskName": "Echo",
        "events": [
            {"type": "mta", "pageId": "Test", "clickIds": ["buy"]},
            {"type": "mta", "pageId": "Test", "exposureIds": ["below"]},
            {"type": "mta", "pageId": "/route", "needPv": True},
        ],
    }
]
# The product's policy lets no markup set a height.
BELOW = f"""{"<br>" * 200}<p data-edge-expose="below" id="below">Below the fold</p>"""
TAG = '<script src="/edge/edge.js" data-config="/config.json" async></script>'


def write_shop(folder: Path) -> Path:
    """Write the shop into an empty folder and return it."""
    models = {"double": double_model(), "pinned": Model(double_model(), {"pin": "webgpu"})}
    write_site(folder, tasks=TASKS, models=models, config={"triggers": TRIGGERS})
    (folder / "failures.js").write_text(FAILURES + PAPERS)
    page = (folder / "index.html").read_text()
    page = page.replace("<script", '<script src="/failures.js"></script>\n    <script', 1)
    page = page.replace("</body>", f"{BELOW}</body>")
    config = json.loads((folder / "config.json").read_text())
    _write_page(folder, "index", page, TAG)
    _write_page(folder, "bare", page, "")
    _write_page(folder, "gated", page, TAG.replace(" async", ' data-consent="required" async'))
    (folder / "lacking.js").write_text("delete window.Worker;")
    _write_page(folder, "lacking", page, f'<script src="/lacking.js"></script>{TAG}')
    _write_variant(folder, "vms", page, {**config, "vms": 1})
    bundles = [_publish(folder, SIGNED), _publish(folder, FORGED, flipped=30)]
    trust = {"bundles": bundles, "triggers": [], "trust": {"keys": [KEY.trusted()]}}
    _write_variant(folder, "signed", page, {**config, **trust})
    return folder


def _write_page(folder: Path, name: str, page: str, tag: str) -> None:
    assert TAG in page
    (folder / f"{name}.html").write_text(page.replace(TAG, tag))


def _write_variant(folder: Path, name: str, page: str, config: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(config))
    _write_page(folder, name, page, TAG.replace("/config.json", f"/{name}.json"))


def _publish(folder: Path, task: Task, flipped: int | None = None) -> str:
    """Write a signed bundle, with one byte changed after that if wanted, and return its path."""
    task.pack(folder / "src" / task.name)
    data = bytearray(pack_task(folder / "src" / task.name, signing=signing_of(KEY)))
    if flipped is not None:
        data[flipped] ^= 1
    (folder / "tasks" / f"{task.name}.edge").write_bytes(bytes(data))
    return f"tasks/{task.name}.edge"


class Shop:
    """Drives one page; every wait happens inside it, without polling."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.url = url
        self.is_closed = False

    def open(self, path: str = "/") -> Self:
        """Load a page of the shop."""
        self.tab.open(self.url + path)
        return self

    def evaluate(self, source: str, argument: Any = None) -> Any:
        """Call a function of the page."""
        return evaluate(self.tab, source, argument)

    def ready(self) -> dict[str, Any]:
        """Wait until the runtime is up and return its status."""
        self.evaluate("() => { EdgeAI.q ? EdgeAI.q.push(['flush']) : void EdgeAI.flush(); }")
        status: dict[str, Any] = self.evaluate("() => untilStarted()")
        assert status["state"] == "ready", status
        return status

    def until(self, name: str, nth: int = 1, **expected: Any) -> dict[str, Any]:
        """Return the ``nth`` body of an event that has these values, now or when it comes."""
        found: dict[str, Any] = self.evaluate(
            "([name, expected, nth]) => until(name, expected, nth)", [name, expected, nth]
        )
        return found

    def infer(self, business: str, ext: Any = None) -> dict[str, Any]:
        """Return ``{"ok": Result}`` or ``{"error": …}``."""
        params = {"systemCode": SYSTEM, "businessCode": business, "extData": ext or {}}
        settled: dict[str, Any] = self.evaluate("(params) => settle(EdgeAI.infer(params))", params)
        return settled

    def value(self, business: str, ext: Any = None) -> Any:
        """Return the value of a run that must succeed."""
        settled = self.infer(business, ext)
        assert "ok" in settled, settled
        return settled["ok"]["value"]

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a public method by name and return ``{"ok"}`` or ``{"error"}``."""
        return self.evaluate(
            "([method, args]) => settle(Promise.resolve(EdgeAI[method](...args)))",
            [method, list(arguments)],
        )

    def failures(self) -> list[str]:
        """Return what nobody caught on the page."""
        caught: list[str] = self.evaluate("() => window.failures ?? []")
        return caught

    def close(self) -> None:
        """Close the tab."""
        self.is_closed = True
        self.tab.close()
