"""Sessions of models that are at hand, in one lane."""

import hashlib
from collections.abc import Mapping

from edge_runtime.host.ports import Host, Inference, InferenceReply, ModelFile, OpenedModel, Target
from edge_runtime.tensor import Tensor

LANE = "wasm"
WASM = Target("wasm")


def file_of(data: bytes, external: Mapping[str, bytes] | None = None) -> ModelFile:
    """Return a file that nobody has to fetch, with its files of weights by path."""
    outside = {path: file_of(each) for path, each in (external or {}).items()}
    return ModelFile("at hand", hashlib.sha256(data).hexdigest(), outside, data=data)


async def open_model(
    inference: Inference, session: str, data: bytes, external: Mapping[str, bytes] | None = None
) -> OpenedModel:
    """Open ``data`` on wasm."""
    return await inference.open(LANE, session, file_of(data, external), WASM)


async def ran(host: Host, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
    """Run a session of :func:`open_model`."""
    return await host.inference.run(LANE, session, feeds)
