"""From a model's variants to an open session: fetch, check the digest, open, else the next one."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from ..config import LIMITS, Variant
from ..errors import HostError, TrustError
from ..host.ports import Inference, Network, OpenedModel
from ..types import Backend

# An engine that died on a variant would die on it again.
_NEXT_VARIANT: Final = frozenset({"inference-failed", "worker-lost"})


class ModelLoader:
    """Opens models; keeps no file, so a lost engine costs a look into the HTTP cache."""

    def __init__(
        self, inference: Inference, network: Network, resolve: Callable[[str], str]
    ) -> None:
        self._inference = inference
        self._network = network
        self._resolve = resolve

    async def load(self, model: str, variants: Sequence[Variant]) -> OpenedModel:
        """Open the first variant that the engine accepts; its backend tells why others were not.

        Raises:
            TrustError: ``digest-mismatch``; later variants are not tried, someone must look.
            HostError: ``network-failed``, or what the last variant failed with.
        """
        reasons: list[str] = []
        for variant in variants[:-1]:
            data = await self._fetch(model, variant)
            try:
                opened = await self._inference.open(model, data, backend=variant.backend)
            except HostError as error:
                if error.code not in _NEXT_VARIANT:
                    raise
                reasons.append(error.message)
            else:
                return _with_reasons(opened, reasons)
        data = await self._fetch(model, variants[-1])
        opened = await self._inference.open(model, data, backend=variants[-1].backend)
        return _with_reasons(opened, reasons)

    async def _fetch(self, model: str, variant: Variant) -> bytes:
        url = self._resolve(variant.url)
        data = await self._network.fetch(
            url, max_bytes=LIMITS.model_bytes, timeout_ms=LIMITS.fetch_timeout_ms
        )
        digest = hashlib.sha256(data).hexdigest()
        if digest != variant.sha256.lower():
            raise TrustError(
                "digest-mismatch",
                f"model {model} from {url}: expected sha256 {variant.sha256}, got {digest}. "
                "Publish the file that the configuration names, or correct the digest.",
                {"model": model, "url": url, "expected": variant.sha256, "got": digest},
            )
        return data


def _with_reasons(opened: OpenedModel, reasons: list[str]) -> OpenedModel:
    if not reasons:
        return opened
    told = [*reasons, opened.backend.fallback_reason]
    reason = " ".join(text for text in told if text)
    backend = Backend(opened.backend.name, opened.backend.threads, reason)
    return OpenedModel(opened.inputs, opened.outputs, backend)
