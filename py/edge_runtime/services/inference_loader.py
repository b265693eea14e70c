"""From a model's variants to an open session: fetch, check the digest, open, else the next one."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from ..config import LIMITS, Variant
from ..errors import EdgeError, HostError, TrustError
from ..host.ports import Inference, Network, OpenedModel
from ..pure.dispatcher_ports import Gate
from ..types import Backend

# An engine that died on a variant would die on it again.
_NEXT_VARIANT: Final = frozenset({"inference-failed", "worker-lost", "circuit-open"})


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """An open session, and the name of its variant's breaker."""

    opened: OpenedModel
    breaker: str


class ModelLoader:
    """Opens models; keeps no file, so a lost engine costs a look into the HTTP cache.

    Args:
        inference: The engine.
        network: Where model files come from.
        resolve: Turns a configured URL into an absolute one.
        breakers: By ``model@backend``, the backend that the configuration asks for.
    """

    def __init__(
        self,
        inference: Inference,
        network: Network,
        resolve: Callable[[str], str],
        breakers: Gate,
    ) -> None:
        self._inference = inference
        self._network = network
        self._resolve = resolve
        self._breakers = breakers

    async def load(self, model: str, variants: Sequence[Variant]) -> LoadedModel:
        """Open the first variant that the engine accepts; its backend tells why others were not.

        Raises:
            TrustError: ``digest-mismatch``; later variants are not tried, someone must look.
            HostError: ``network-failed``, or what the last variant failed with.
            RefusedError: ``circuit-open``: the last variant failed too often lately.
        """
        failures: list[EdgeError] = []
        for variant in variants:
            breaker = f"{model}@{variant.backend}"
            try:
                opened = await self._open(model, variant, breaker)
            except EdgeError as error:
                if error.code not in _NEXT_VARIANT:
                    raise
                failures.append(error)
            else:
                return LoadedModel(_with_reasons(opened, failures), breaker)
        raise failures[-1]

    async def _open(self, model: str, variant: Variant, breaker: str) -> OpenedModel:
        refusal = self._breakers.refusal(breaker)
        if refusal is not None:
            raise refusal
        data = await self._fetch(model, variant)
        opening = partial(self._inference.open, model, data, backend=variant.backend)
        # Success says nothing about runs, of which a breaker wants to see some before it closes.
        return await guarded(self._breakers, breaker, opening, lambda _: None)

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


async def guarded(
    breakers: Gate,
    name: str,
    call: Callable[[], Awaitable[T]],
    took_ms: Callable[[T], float | None],
) -> T:
    """Make a call to the engine, unless its breaker refuses, and tell the breaker how it ended.

    Args:
        breakers: Whom to ask, and to tell.
        name: The breaker's.
        call: What to do.
        took_ms: How long a call took by its reply; None: its success is not to be counted.

    Raises:
        RefusedError: ``circuit-open``.
        EdgeError: What ``call`` raises; only a HostError is a failure of the engine.
    """
    # In this order: time goes on between two looks at a clock, and an open time may end.
    refusal = breakers.refusal(name)
    if refusal is not None:
        raise refusal
    permit = breakers.acquire(name)
    duration_ms: float | None = None
    failed = False
    try:
        reply = await call()
        duration_ms = took_ms(reply)
        return reply
    except HostError:
        duration_ms, failed = 0.0, True
        raise
    finally:
        if duration_ms is None:
            breakers.release(name, permit)
        else:
            breakers.done(name, permit, failed, duration_ms)


def _with_reasons(opened: OpenedModel, failures: Sequence[EdgeError]) -> OpenedModel:
    if not failures:
        return opened
    told = [*(failure.message for failure in failures), opened.backend.fallback_reason]
    reason = " ".join(text for text in told if text)
    backend = Backend(opened.backend.name, opened.backend.threads, reason)
    return OpenedModel(opened.inputs, opened.outputs, backend)
