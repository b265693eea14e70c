"""The ports over the worker's JavaScript host, one small class each."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pyodide.ffi import jsnull

from ...pure.plain import split
from ...tensor import Tensor
from ...types import WHOLE, Crop, Fit, JsonValue, Response
from ..ports import Host
from .conversions import as_bytes, as_js, as_plain, converted
from .inference import BrowserInference
from .machines import BrowserInterpreter, BrowserMachines
from .storage_ports import BrowserCrypto, BrowserStorage


def browser_host(js_host: Any) -> Host:
    """Wrap the JavaScript host into the ports."""
    return Host(
        clock=BrowserClock(js_host.clock),
        storage=BrowserStorage(js_host.storage),
        crypto=BrowserCrypto(js_host.crypto),
        network=BrowserNetwork(js_host.network),
        inference=BrowserInference(js_host.inference),
        images=BrowserImages(js_host.images),
        machines=BrowserMachines(js_host.machines),
        interpreter=BrowserInterpreter(js_host.interpreter),
        page=BrowserPage(js_host.page),
        description=as_plain(js_host.description),
    )


class BrowserClock:
    """``Date.now``, ``performance.now`` and the event loop's timers."""

    def __init__(self, js_clock: Any) -> None:
        self._now = js_clock.nowMs
        self._monotonic = js_clock.monotonicMs

    def now_ms(self) -> float:
        """Return Unix time."""
        return float(self._now())

    def monotonic_ms(self) -> float:
        """Return a time that never goes back."""
        return float(self._monotonic())

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after ``duration_ms``."""
        await asyncio.sleep(max(0.0, duration_ms) / 1000)


class BrowserNetwork:
    """``fetch``."""

    def __init__(self, js_network: Any) -> None:
        self._js = js_network

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_ms: float, fresh: bool = False
    ) -> bytes:
        """Return the body of a GET."""
        with converted("network-failed", url):
            return as_bytes(await self._js.fetchBytes(url, max_bytes, timeout_ms, fresh))

    async def request(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        timeout_ms: float,
    ) -> Response:
        """Send a request; cancelling ends it in the browser, too."""
        sent = {"url": url, "method": method, "headers": dict(headers), "body": body}
        order = {**sent, "maxBytes": max_bytes, "timeoutMs": timeout_ms}
        with converted("network-failed", url):
            sending = self._js.request(as_js(order))
            try:
                answer = await sending.answer
            finally:
                sending.abort()
            return Response(int(answer.status), as_plain(answer.headers), as_bytes(answer.body))


class BrowserImages:
    """The browser's own picture codecs."""

    def __init__(self, js_images: Any) -> None:
        self._js = js_images

    async def decode(
        self, data: bytes, *, width_px: int, height_px: int, fit: Fit = "cover", crop: Crop = WHOLE
    ) -> Tensor:
        """Decode, crop and resize."""
        with converted("argument-invalid", "picture"):
            part = as_js(list(crop))
            rgb = await self._js.decode(as_js(data), width_px, height_px, fit, part)
            shape = (int(rgb.heightPx), int(rgb.widthPx), 3)
            return Tensor("uint8", shape, as_bytes(rgb.data))


class BrowserPage:
    """Messages to the pages."""

    def __init__(self, js_page: Any) -> None:
        self._js = js_page
        self._notify = js_page.notify
        self._watch_run = js_page.watchRun

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Send a notice; one that is not plain data becomes a warning in the page's log."""
        try:
            text, buffers = split(dict(body))
        except (TypeError, ValueError, RecursionError) as error:
            message = f"notice {name} dropped: expected plain data, got {error}."
            name, (text, buffers) = "log", split({"level": "warning", "message": message})
        self._notify(name, text, as_js(buffers), jsnull if client is None else client)

    def superseded(self) -> None:
        """Say that another tab's worker writes now."""
        self._js.superseded()

    def replace_worker(self, reason: str) -> None:
        """End this worker."""
        self._js.replaceWorker(reason)

    def watch_run(
        self, run_id: str, task_name: str, asker: int | str | None, left_ms: float | None
    ) -> None:
        """Tell this worker's own page."""
        self._watch_run(run_id, task_name, asker, left_ms)
