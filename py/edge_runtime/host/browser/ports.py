"""The ports over the worker's JavaScript host, one small class each."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any

from ...errors import TrustError
from ...pure.plain import split
from ...tensor import Tensor
from ...types import Backend, JsonValue, TensorSpec
from ..ports import Delete, Durability, Host, InferenceReply, OpenedModel, Put
from .conversions import as_bytes, as_js, as_plain, converted


def browser_host(js_host: Any) -> Host:
    """Wrap the JavaScript host into the ports."""
    return Host(
        clock=BrowserClock(js_host.clock),
        storage=BrowserStorage(js_host.storage),
        crypto=BrowserCrypto(js_host.crypto),
        network=BrowserNetwork(js_host.network),
        inference=BrowserInference(js_host.inference),
        images=BrowserImages(js_host.images),
        packages=BrowserPackages(js_host.packages),
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


class BrowserStorage:
    """IndexedDB."""

    def __init__(self, js_storage: Any) -> None:
        self._js = js_storage

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database."""
        with converted("storage-failed", f"database {database}"):
            await self._js.open(database, as_js(list(stores)))

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``."""
        with converted("storage-failed", f"store {store}"):
            pairs = await self._js.read(store, after, limit)
            return [(pair[0], as_bytes(pair[1])) for pair in pairs]

    async def write(
        self, operations: Sequence[Put | Delete], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations in one transaction."""
        with converted("storage-failed", "storage write"):
            await self._js.write(as_js([_wire(each) for each in operations]), durability)

    async def close(self) -> None:
        """Close the connection."""
        with converted("storage-failed", "storage close"):
            closing = self._js.close()
            if isawaitable(closing):
                await closing

    async def erase(self) -> None:
        """Delete the whole database."""
        with converted("storage-failed", "storage erase"):
            await self._js.erase()


class BrowserCrypto:
    """WebCrypto; randomness is the system's, which Pyodide takes from WebCrypto too."""

    def __init__(self, js_crypto: Any) -> None:
        self._js = js_crypto

    async def ensure_key(self, key_id: str) -> None:
        """Load the key, creating one if absent."""
        with converted("storage-failed", f"key {key_id}"):
            await self._js.ensureKey(key_id)

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        if not associated_data:
            raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
        with converted("storage-failed", f"seal with {key_id}"):
            sealed = await self._js.seal(key_id, as_js(plaintext), as_js(associated_data))
            return as_bytes(sealed)

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        if not sealed:
            raise TrustError("seal-broken", f"unseal with {key_id}: expected bytes, got none.")
        with converted("seal-broken", f"unseal with {key_id}"):
            plaintext = await self._js.unseal(key_id, as_js(sealed), as_js(associated_data))
            return as_bytes(plaintext)

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes."""
        return os.urandom(count)


class BrowserNetwork:
    """``fetch``."""

    def __init__(self, js_network: Any) -> None:
        self._js = js_network

    async def fetch(self, url: str, *, max_bytes: int, timeout_ms: float) -> bytes:
        """Return the body of a GET."""
        with converted("network-failed", url):
            return as_bytes(await self._js.fetchBytes(url, max_bytes, timeout_ms))


class BrowserInference:
    """onnxruntime-web, in workers of its own."""

    def __init__(self, js_inference: Any) -> None:
        self._js = js_inference

    async def open(self, model: str, data: bytes, *, backend: str) -> OpenedModel:
        """Create or replace a session."""
        with converted("inference-failed", f"model {model}"):
            opened = as_plain(await self._js.open(model, as_js(data), backend))
        reached = opened["backend"]
        return OpenedModel(
            _specs(opened["inputs"]),
            _specs(opened["outputs"]),
            Backend(reached["name"], reached["threads"], reached.get("fallbackReason")),
        )

    async def run(self, model: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference."""
        wires = [
            {"name": name, "dtype": feed.dtype, "shape": list(feed.shape), "data": feed.data}
            for name, feed in feeds.items()
        ]
        with converted("inference-failed", f"model {model}"):
            reply = await self._js.run(model, as_js(wires))
            outputs = {output.name: _tensor(output) for output in reply.outputs}
            return InferenceReply(outputs, float(reply.inferMs))

    async def release(self, model: str) -> None:
        """Free the session."""
        with converted("inference-failed", f"model {model}"):
            await self._js.release(model)


class BrowserImages:
    """The browser's own picture codecs."""

    def __init__(self, js_images: Any) -> None:
        self._js = js_images

    async def decode(self, data: bytes, *, width_px: int, height_px: int) -> Tensor:
        """Decode, crop the centre and resize."""
        with converted("argument-invalid", "picture"):
            rgb = as_bytes(await self._js.decode(as_js(data), width_px, height_px))
        return Tensor("uint8", (height_px, width_px, 3), rgb)


class BrowserPackages:
    """Packages that are served beside Pyodide."""

    def __init__(self, js_packages: Any) -> None:
        self._js = js_packages

    async def load(self, names: Sequence[str]) -> None:
        """Make packages importable."""
        with converted("feature-missing", f"packages {', '.join(names)}"):
            await self._js.load(as_js(list(names)))


class BrowserPage:
    """Messages to the page."""

    def __init__(self, js_page: Any) -> None:
        self._notify = js_page.notify

    def notify(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Send a notice; one that is not plain data becomes a warning in the page's log."""
        try:
            text, buffers = split(dict(body))
        except (TypeError, ValueError, RecursionError) as error:
            message = f"notice {name} dropped: expected plain data, got {error}."
            name, (text, buffers) = "log", split({"level": "warning", "message": message})
        self._notify(name, text, as_js(buffers))


def _wire(operation: Put | Delete) -> list[object]:
    if isinstance(operation, Put):
        return ["put", operation.store, operation.key, operation.data]
    return ["delete", operation.store, operation.key]


def _specs(plain: Sequence[Mapping[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(each["name"], each["dtype"], tuple(each["shape"])) for each in plain)


def _tensor(output: Any) -> Tensor:
    return Tensor(output.dtype, tuple(map(int, output.shape)), as_bytes(output.data))
