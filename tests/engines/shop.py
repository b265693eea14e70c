"""A small shop under a strict policy, and one page of it as a test sees it."""

from pathlib import Path
from typing import Any, Self

from tests.browser.site import ECHO, SYSTEM, Task, double_model, write_site

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
DOUBLE = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    outputs = await ctx.infer("double", {"x": Tensor.float32(activation.ext_data["x"])})
    return outputs["y"].tolist()
"""
TASKS = [
    Task("Echo", "echo", ECHO),
    Task("Events", "events", EVENTS),
    Task("Double", "double", DOUBLE, {"models": ["double"]}),
    Task("Raise", "raise", "async def run(ctx, activation):\n    raise ValueError('a defect')\n"),
    Task(
        "Loop",
        "loop",
        "async def run(ctx, activation):\n    while True:\n        pass\n",
        {"timeout_ms": 700},
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


def write_shop(folder: Path) -> Path:
    """Write the shop into an empty folder and return it."""
    config = {"triggers": TRIGGERS}
    write_site(folder, tasks=TASKS, models={"double": double_model()}, config=config)
    (folder / "failures.js").write_text(FAILURES)
    page = folder / "index.html"
    text = page.read_text()
    text = text.replace("<script", '<script src="/failures.js"></script>\n    <script', 1)
    page.write_text(text.replace("</body>", f"{BELOW}</body>"))
    return folder


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
        settled: dict[str, Any] = self.evaluate(
            "(params) => settle(EdgeAI.infer(params))", params
        )
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
