"""onnxruntime-web, in lanes of its own workers."""

from collections.abc import Mapping
from typing import Any

from pyodide.ffi import create_proxy, jsnull

from ...config import LIMITS
from ...tensor import Tensor
from ...types import Backend
from ..ports import InferenceReply, ModelFile, OnProgress, OpenedModel, Target
from .conversions import as_js, as_plain, converted
from .tensors import as_feeds, as_tensors, specs


class BrowserInference:
    """``Inference`` over ``js_shim/host/inference.js``; model files do not pass through Python."""

    def __init__(self, js_inference: Any) -> None:
        self._js = js_inference

    async def probe(self, *, accelerators: bool) -> Mapping[str, Any]:
        """Return the facts of an inference worker."""
        with converted("inference-failed", "probe"):
            facts: Mapping[str, Any] = as_plain(await self._js.probe(accelerators))
        return facts

    async def open(
        self,
        lane: str,
        session: str,
        file: ModelFile,
        target: Target,
        on_progress: OnProgress | None = None,
    ) -> OpenedModel:
        """Create or replace a session."""
        order, where = as_js(_order(file)), as_js(_target(target))
        heard = None if on_progress is None else create_proxy(_without_null(on_progress))
        try:
            with converted("inference-failed", f"model {session}"):
                opening = self._js.open(lane, session, order, where, heard or jsnull)
                opened = as_plain(await opening)
        finally:
            if heard is not None:
                heard.destroy()
        reached = opened["backend"]
        return OpenedModel(
            specs(opened["inputs"]),
            specs(opened["outputs"]),
            Backend(reached["name"], reached["threads"], None, reached.get("device")),
            opened["heapBytes"],
            opened["fileBytes"],
        )

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference."""
        with converted("inference-failed", f"model {session}"):
            reply = await self._js.run(lane, session, as_feeds(feeds))
            outputs = as_tensors(reply.outputs)
            return InferenceReply(outputs, float(reply.inferMs), int(reply.heapBytes))

    async def release(self, lane: str, session: str) -> None:
        """Free the session."""
        with converted("inference-failed", f"model {session}"):
            await self._js.release(lane, session)

    async def close(self, lane: str, reason: str) -> None:
        """End the lane's worker."""
        self._js.close(lane, reason)

    async def erase(self) -> None:
        """Delete the database of model files."""
        with converted("storage-failed", "model files"):
            await self._js.erase()


def _order(file: ModelFile) -> dict[str, Any]:
    """Return a ``ModelOrder`` of ``js_shim/host/inference.js``."""
    order: dict[str, Any] = {
        "url": file.url,
        "sha256": file.sha256,
        "maxBytes": LIMITS.model_bytes,
        "timeoutMs": LIMITS.fetch_timeout_ms,
        "external": [{"path": path, **_order(each)} for path, each in file.external.items()],
    }
    if file.key is not None:
        order["seal"] = {"key": file.key}
    if file.data is not None:
        order["data"] = file.data
    return order


def _target(target: Target) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "backend": target.backend,
        "build": target.build,
        "threads": target.threads,
        "dimensions": dict(target.dimensions),
    }
    return plain if target.device is None else {**plain, "device": target.device}


def _without_null(on_progress: OnProgress) -> Any:
    def hear(loaded_bytes: float, total_bytes: Any) -> None:
        is_known = isinstance(total_bytes, int | float)
        on_progress(int(loaded_bytes), int(total_bytes) if is_known else None)

    return hear
