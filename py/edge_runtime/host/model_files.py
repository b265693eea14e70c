"""Model files where nothing keeps them: fetched each time, and checked against their digest."""

import hashlib

from ..config import LIMITS
from ..errors import TrustError
from .ports import ModelFile, Network


async def read_model(network: Network, file: ModelFile) -> tuple[bytes, dict[str, bytes]]:
    """Return a model's file, and its files of weights by path.

    Raises:
        TrustError: ``digest-mismatch``.
        HostError: ``network-failed``.
    """
    data = await _read(network, file.url, file.sha256) if file.data is None else file.data
    _check(file.url, file.sha256, data)
    weights = {each.path: await _read(network, each.url, each.sha256) for each in file.external}
    return data, weights


async def _read(network: Network, url: str, sha256: str) -> bytes:
    data = await network.fetch(
        url, max_bytes=LIMITS.model_bytes, timeout_ms=LIMITS.fetch_timeout_ms
    )
    _check(url, sha256, data)
    return data


def _check(url: str, sha256: str, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise TrustError(
            "digest-mismatch",
            f"model {url}: expected sha256 {sha256}, got {digest}. "
            "Publish the file that the configuration names, or correct the digest.",
            {"url": url, "expected": sha256, "got": digest},
        )
