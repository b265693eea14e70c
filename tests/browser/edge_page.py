"""The product as a test sees it: one open page and what its runtime said."""

from typing import Any, Self

from playwright.sync_api import Page

from .site import SYSTEM


class EdgePage:
    """Drives ``assets/index.html``; every wait happens inside the page, without polling."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))

    def open(self, path: str = "/") -> Self:
        self.page.goto(self.url + path)
        return self

    def ready(self) -> dict[str, Any]:
        """Wait until the runtime is up and return its status."""
        self.page.evaluate("() => EdgeAI.q ? EdgeAI.q.push(['flush']) : EdgeAI.flush()")
        status: dict[str, Any] = self.page.evaluate("() => untilStarted()")
        assert status["state"] == "ready", status
        return status

    def until(self, name: str, **expected: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(
            "([name, expected]) => until(name, expected)", [name, expected]
        )
        return found

    def until_store(self, mode: str) -> dict[str, Any]:
        """Wait until the latest word about the store is that it is in ``mode``."""
        said: dict[str, Any] = self.page.evaluate(
            """(mode) => new Promise((ok) => {
              const check = () => {
                const latest = seen.status.findLast(({ state }) => state === "store");
                if (latest?.store.mode === mode) ok(latest.store);
              };
              EdgeAI.on("status", check);
              check();
            })""",
            mode,
        )
        return said

    def seen(self, name: str) -> list[dict[str, Any]]:
        bodies: list[dict[str, Any]] = self.page.evaluate("(name) => seen[name]", name)
        return bodies

    def infer(self, business: str, ext: Any = None, **options: Any) -> dict[str, Any]:
        """Return ``{"ok": Result}`` or ``{"error": …}``."""
        params = {"systemCode": SYSTEM, "businessCode": business, **options}
        if ext is not None:
            params["extData"] = ext
        settled: dict[str, Any] = self.page.evaluate(
            "(params) => settle(EdgeAI.infer(params))", params
        )
        return settled

    def value(self, business: str, ext: Any = None, **options: Any) -> Any:
        """Return the value of a run that must succeed."""
        settled = self.infer(business, ext, **options)
        assert "ok" in settled, settled
        return settled["ok"]["value"]

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a public method by name and return ``{"ok"}`` or ``{"error"}``."""
        return self.page.evaluate(
            "([method, args]) => settle(Promise.resolve(EdgeAI[method](...args)))",
            [method, list(arguments)],
        )
