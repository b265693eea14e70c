"""Model files where nothing keeps them: fetched each time, and checked against their digest."""

import hashlib

from .config import LIMITS
from .errors import TrustError
from .host.ports import ModelFile, Network


async def read_model(network: Network, file: ModelFile) -> tuple[bytes, dict[str, bytes]]:
    """Return a model's file, and its files of weights by path.

    Raises:
        TrustError: ``digest-mismatch``.
        HostError: ``network-failed``.
    """
    data = await _read(network, file)
    return data, {path: await _read(network, each) for path, each in file.external.items()}


async def _read(network: Network, file: ModelFile) -> bytes:
    data = file.data
    if data is None:
        data = await network.fetch(
            file.url, max_bytes=LIMITS.model_bytes, timeout_ms=LIMITS.fetch_timeout_ms
        )
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.sha256:
        raise TrustError(
            "digest-mismatch",
            f"model {file.url}: expected sha256 {file.sha256}, got {digest}. "
            "Publish the file that the configuration names, or correct the digest.",
            {"url": file.url, "expected": file.sha256, "got": digest},
        )
    return data
