"""Firefox over WebDriver BiDi, which it speaks itself: commands and answers over one socket."""

import json
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import websocket

from .driver import DRIVER_MS, EngineError
from .process import Process

KEYS = {"Enter": "\ue007", "Space": " "}
ADDRESS = "() => location.href"
LOADED = """() => new Promise((ok) => {
  if (document.readyState === "complete") ok("");
  else addEventListener("load", () => ok(""), { once: true });
})"""
PREFERENCES = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
# Firefox tells its automation of every worker. While it does, a worker that starts another waits
# for the page's thread; where that is busy, about one in a hundred waits for ever (153 ESR). One
# that nobody drives does not: 0 of 1,100.
FORGET_WORKERS = """(() => {
  let actor;
  try {
    actor = ChromeUtils.importESModule(
      "chrome://remote/content/shared/js-process-actors/WebDriverWorkerListenerActor.sys.mjs");
  } catch {
    return "an older one, which tells nothing";
  }
  actor.unregisterWebDriverWorkerListenerActor();
  return "";
})()"""


class Firefox:
    """A Firefox without windows and with a profile that ends with it.

    Args:
        program: Path of Firefox.
    """

    def __init__(self, program: str) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="engine-firefox-"))
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in PREFERENCES.items()
        ]
        (self._profile / "user.js").write_text("\n".join(lines))
        arguments = ["--headless", "--no-remote", "--remote-debugging-port", "0"]
        arguments += ["--remote-allow-system-access"]
        # Firefox refuses to be root's in a home of somebody else.
        env = {**os.environ, "HOME": str(self._profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self._number = 0
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self._profile, ignore_errors=True)
            self._process = Process(
                [program, *arguments, "--profile", str(self._profile)],
                env,
                r"WebDriver BiDi listening on (ws://\S+)",
            )
            undo.callback(self._process.end)
            self._socket = self._connected()
            session = self.send("session.new", capabilities={})
            self._forget_workers()
            self._ends = undo.pop_all()
        self.version = str(session["capabilities"]["browserVersion"])

    def _connected(self) -> websocket.WebSocket:
        address = f"{self._process.told}/session"
        try:
            return websocket.create_connection(
                address, timeout=DRIVER_MS / 1000, suppress_origin=True
            )
        except (OSError, websocket.WebSocketException) as error:
            raise EngineError(f"firefox: {address}: expected to connect, got {error!r}") from error

    def _forget_workers(self) -> None:
        tree = self.send("browsingContext.getTree", **{"moz:scope": "chrome"})
        told = self.send(
            "script.evaluate",
            expression=FORGET_WORKERS,
            target={"context": tree["contexts"][0]["context"]},
            awaitPromise=False,
        )
        if told["type"] != "success":
            raise EngineError(f"firefox: {told['exceptionDetails']['text']}")

    def send(self, method: str, **params: Any) -> Any:
        """Send a command and return its result.

        Raises:
            EngineError: It failed, or the browser does not answer.
        """
        self._number += 1
        try:
            self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
            while (answer := json.loads(self._socket.recv())).get("id") != self._number:
                pass
        except (OSError, ValueError, websocket.WebSocketException) as error:
            self._process.end()
            raise EngineError(f"firefox: {method}: expected an answer, got {error!r}") from error
        if answer["type"] == "error":
            raise EngineError(f"firefox: {method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def open_tab(self) -> "FirefoxTab":
        """Open an empty tab."""
        return FirefoxTab(self, self.send("browsingContext.create", type="tab")["context"])

    def is_alive(self) -> bool:
        """Say whether it still answers."""
        return self._process.is_alive()

    def close(self) -> None:
        """End the browser and remove its profile."""
        self._socket.close(timeout=1)
        self._ends.close()


class FirefoxTab:
    """One tab, a browsing context in the protocol's words."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context

    def _send(self, method: str, **params: Any) -> Any:
        return self._browser.send(method, context=self._context, **params)

    def open(self, url: str) -> None:
        """Go to an address."""
        self._send("browsingContext.navigate", url=url, wait="complete")

    def answer(self, function: str) -> str:
        """Call a function of the page."""
        told = self._browser.send(
            "script.callFunction",
            functionDeclaration=function,
            target={"context": self._context},
            awaitPromise=True,
        )
        if told["type"] != "success":
            raise EngineError(f"firefox: {told['exceptionDetails']['text']}")
        return str(told["result"]["value"])

    def click(self, selector: str) -> None:
        """Click the middle of an element."""
        origin = {"type": "element", "element": {"sharedId": self._find(selector)}}
        self._act(
            "pointer",
            [
                {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        )

    def press(self, selector: str, key: str) -> None:
        """Focus an element and press a key."""
        self._browser.send(
            "script.callFunction",
            functionDeclaration="(element) => element.focus()",
            arguments=[{"sharedId": self._find(selector)}],
            target={"context": self._context},
            awaitPromise=False,
        )
        value = KEYS[key]
        self._act("key", [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}])

    def back(self) -> None:
        """Go back in the tab's history; the protocol's answer comes before the page."""
        left = self.answer(ADDRESS)
        self._send("browsingContext.traverseHistory", delta=-1)
        late = time.monotonic() + DRIVER_MS / 1000
        while self.answer(ADDRESS) == left:
            if time.monotonic() > late:
                raise EngineError(f"firefox: expected to go back from {left}, it stayed")
        self.answer(LOADED)

    def close(self) -> None:
        """Close the tab."""
        self._send("browsingContext.close")

    def _find(self, selector: str) -> str:
        found = self._send(
            "browsingContext.locateNodes", locator={"type": "css", "value": selector}
        )
        return str(found["nodes"][0]["sharedId"])

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        self._send("input.performActions", actions=[{"type": kind, "id": kind, "actions": actions}])
