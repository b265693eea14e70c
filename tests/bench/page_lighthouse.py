"""page.lighthouse_tbt_delta_ms: Lighthouse's Total Blocking Time of a page, with and without us.

Lighthouse loads each page as it does by default, as a phone with a fourth of this machine's speed,
in a browser of the pinned Chromium, and sums up what tasks take beyond 50 ms until the page is
interactive. The page shows text and a button; with us it has the script and a task besides.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from tests.browser.site import ECHO, Task
from web_runtime.browser import launch_options
from web_runtime.serve import BackgroundServer, create_app

from .harness import ASSETS, DIST, Asgi, p50
from .npm_packages import installed
from .report import Measure
from .sites import page_with, plain_site

LOCKED: Final = ASSETS / "lighthouse"
ROUNDS: Final = 5
TIMEOUT_S: Final = 180
AUDIT: Final = "total-blocking-time"
LONG_TASKS: Final = "long-tasks"
SCRIPTS: Final = "/edge/"
TAG: Final = '<script src="/edge/edge.js" data-config="/config.json" async></script>'
VERSION: Final = json.loads((LOCKED / "package.json").read_text())["dependencies"]["lighthouse"]


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Let Lighthouse judge both pages in turns."""
    site = plain_site(folder, tasks=[Task("Echo", "echo", ECHO)])
    text = page_with(()).replace("<main>", "<main><h1>Bench</h1><p>A page to look at.</p>")
    (site / "bare.html").write_text(text)
    (site / "edge.html").write_text(text.replace("</body>", f"{TAG}</body>"))
    rounds: dict[str, list[float]] = {"bare": [], "edge": []}
    ours_ms = 0.0
    app = without_referrer_policy(create_app(site, DIST))
    with BackgroundServer(app) as server, debugged(browser) as port:
        for _ in range(ROUNDS):
            for side, blocked in rounds.items():
                audits = judged(f"{server.url}/{side}.html", port)
                blocked.append(audits[AUDIT]["numericValue"])
                ours_ms += long_in_scripts_ms(audits[LONG_TASKS])
    deltas = [ours - bare for ours, bare in zip(rounds["edge"], rounds["bare"], strict=True)]
    details: dict[str, Any] = {}
    for side, each in rounds.items():
        details[f"{side}_ms"] = [round(value) for value in each]
    details["long_tasks_of_our_scripts_ms"] = round(ours_ms)
    peer = f"the page without us, judged by lighthouse {VERSION}"
    return [Measure("page.lighthouse_tbt_delta_ms", p50(deltas), 0, peer, details=details)]


def without_referrer_policy(app: Asgi) -> Asgi:
    """Leave a header out of answers: with it, a page of this Chromium crashes under Lighthouse."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            kept = [each for each in message.get("headers", ()) if each[0] != b"referrer-policy"]
            await send({**message, "headers": kept} if "headers" in message else message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return answer


@contextmanager
def debugged(browser: Browser) -> Iterator[int]:
    """Open another browser of this kind, and yield the port where it can be driven."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = launch_options()
    flags = [*options["args"], f"--remote-debugging-port={port}"]
    second = browser.browser_type.launch(**{**options, "args": flags})
    try:
        yield port
    finally:
        second.close()


def judged(url: str, port: int) -> dict[str, Any]:
    """Return what Lighthouse found on a page, by audit.

    Raises:
        RuntimeError: Lighthouse could not say.
    """
    program = installed(LOCKED) / "node_modules" / "lighthouse" / "cli" / "index.js"
    flags = [f"--port={port}", f"--only-audits={AUDIT},{LONG_TASKS}", "--output=json", "--quiet"]
    done = subprocess.run(
        ["node", str(program), url, *flags, "--no-enable-error-reporting"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "CI": "1"},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"lighthouse {VERSION}: expected a report, got {done.stderr[-500:]}")
    audits: dict[str, Any] = json.loads(done.stdout)["audits"]
    if "numericValue" not in audits[AUDIT]:
        raise RuntimeError(f"lighthouse {VERSION}: expected {AUDIT}, got {audits[AUDIT]}")
    return audits


def long_in_scripts_ms(audit: dict[str, Any]) -> float:
    """Return the duration of long tasks that Lighthouse says are our scripts'."""
    items = audit.get("details", {}).get("items", [])
    return sum(item["duration"] for item in items if SCRIPTS in item["url"])
