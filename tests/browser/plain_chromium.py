"""A Chromium whose pages live as a person's do: they are hidden, frozen, kept and rendered ahead.

A browser that Playwright starts keeps its pages awake and in front, and pages that a debugger is
attached to are not rendered ahead of need. So this one is started by hand, and attached to late.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO, Any, Final, Self
from urllib.request import urlopen

from playwright.sync_api import BrowserContext, Error, Page, Playwright

from web_runtime.browser import launch_options

from .site import SYSTEM

NAMED: Final = "WEB_RUNTIME_CHROMIUM"
PATIENCE_LOOKS: Final = 3_000
PATIENCE_S: Final = 60
LOADED = """() => new Promise((ok) => {
  if (document.readyState === "complete") ok(); else addEventListener("load", () => ok());
})"""
READY = """async () => {
  if (EdgeAI.q) EdgeAI.q.push(["flush"]); else EdgeAI.flush();
  await untilStarted();
  await EdgeAI.flush();
  return seen.status.findLast(({ state }) => state === "ready") ?? seen.status.at(-1);
}"""
ROLES = """() => seen.status
  .filter(({ role }) => role)
  .map(({ state, role }) => `${state} ${role}`)"""
UNTIL_WRITER = """() => new Promise((ok) => {
  const check = () => seen.status.findLast(({ role }) => role)?.role === "writer" && ok();
  EdgeAI.on("status", check);
  check();
})"""
CENTRE = """(selector) => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return { x: x + width / 2, y: y + height / 2 };
}"""


@dataclass(frozen=True)
class Build:
    """A Chromium to start.

    Attributes:
        keeps_pages: It has a back/forward cache and hides tabs behind others; the headless shell
            does neither.
    """

    name: str
    keeps_pages: bool
    command: list[str]
    environment: dict[str, str] | None = None


def builds() -> list[Build]:
    """Return the pinned browser, and an installed whole Chromium if there is one."""
    options = launch_options()
    pinned = [str(options["executable_path"]), *options["args"]]
    found = [Build("pinned", False, pinned, options.get("env"))]
    whole = os.environ.get(NAMED) or shutil.which("chromium")
    if whole:
        found.append(Build("installed", True, [whole, "--no-first-run", "--no-sandbox"]))
    return found


class PlainChromium:
    """The running browser, with ``url`` open in its first tab."""

    def __init__(self, build: Build, url: str = "about:blank") -> None:
        self._ends = ExitStack()
        profile = self._ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        flags = ["--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", url]
        process = subprocess.Popen(
            [*build.command, *flags], env=build.environment, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr
        self._ends.enter_context(process.stderr)
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)
        self._address = _told(process.stderr)
        drain = Thread(target=process.stderr.read)
        drain.start()
        # Behind its end, and before the pipe is closed.
        self._ends.callback(drain.join)
        self._ends.callback(process.kill)

    def title(self, beginning: str) -> str:
        """Return the title of its only page once it begins so; does not touch the page."""
        end = time.monotonic() + PATIENCE_S
        title = ""
        while not title.startswith(beginning) and time.monotonic() < end:
            with urlopen(f"{self._address}/json/list") as listed:
                titles = [each["title"] for each in json.load(listed) if each["type"] == "page"]
            title = titles[0] if titles else ""
            time.sleep(0.02)
        return title

    def attach(self, playwright: Playwright) -> BrowserContext:
        """Attach to it; its pages stay as they are."""
        browser = playwright.chromium.connect_over_cdp(self._address, no_defaults=True)
        self._ends.callback(browser.close)
        return browser.contexts[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()


def _told(errors: IO[str]) -> str:
    """Return the address that the browser tells of."""
    for line in errors:
        found = re.search(r"ws://([\d.]+:\d+)/", line)
        if found:
            return f"http://{found[1]}"
    raise AssertionError("Chromium ended before it could be attached to.")


class PlainTab:
    """A tab with the product, by the protocol alone: Playwright loses pages that come back."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.failures: list[str] = []
        self._session = page.context.new_cdp_session(page)
        self._session.send("Page.enable")
        self._session.send("Runtime.enable")
        self._documents = 0
        self._session.on("Page.frameNavigated", self._navigated)
        self._session.on("Runtime.exceptionThrown", lambda told: self.failures.append(str(told)))

    def open(self, path: str = "/") -> Self:
        before = self._documents
        self._session.send("Page.navigate", {"url": self.url + path})
        self._arrive(before)
        return self

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Call a function of the page and return what its promise gives."""
        expression = f"({function})({json.dumps(argument)})"
        answer = self._session.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def ready(self) -> dict[str, Any]:
        """Wait until the runtime is up and return its status."""
        status: dict[str, Any] = self.evaluate(READY)
        assert status["state"] == "ready", status
        return status

    def infer(self, business: str) -> Any:
        """Return the value of a run that must succeed."""
        params = {"systemCode": SYSTEM, "businessCode": business}
        return self.evaluate("async (params) => (await EdgeAI.infer(params)).value", params)

    def roles(self) -> list[str]:
        """Return what the tab was from one word about it to the next."""
        told: list[str] = self.evaluate(ROLES)
        return told

    def until_writer(self) -> None:
        self.evaluate(UNTIL_WRITER)

    def travel(self, steps: int) -> None:
        """Go through the tab's history, and wait until another document is there."""
        before = self._documents
        self.depart(steps)
        self._arrive(before)

    def depart(self, steps: int) -> None:
        """Set out through the tab's history."""
        history = self._session.send("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] + steps]
        self._session.send("Page.navigateToHistoryEntry", {"entryId": entry["id"]})

    def click(self, selector: str) -> None:
        """Click as a person does."""
        place = {**self.evaluate(CENTRE, selector), "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self._session.send("Input.dispatchMouseEvent", {"type": kind, **place})

    def show(self) -> None:
        """Put the tab in front of the others."""
        self._session.send("Page.bringToFront")

    def freeze(self) -> None:
        self._session.send("Page.setWebLifecycleState", {"state": "frozen"})

    def thaw(self) -> None:
        self._session.send("Page.setWebLifecycleState", {"state": "active"})

    def _navigated(self, event: dict[str, Any]) -> None:
        self._documents += "parentId" not in event["frame"]

    def _arrive(self, before: int) -> None:
        for _ in range(PATIENCE_LOOKS):
            if self._documents > before:
                break
            # Between two documents there is none to ask; asking takes in what happens.
            with suppress(Error):
                self.evaluate("() => 0")
        assert self._documents > before, "no document came"
        self.evaluate(LOADED)
