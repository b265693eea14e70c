"""The keys of the demo's bundles: made at the first build, kept in .cache, never served.

Only the public halves and the seal's key are in the built configuration. A shop keeps its signing
key where nothing but its release can read it, and makes it once, not on every machine.
"""

from pathlib import Path
from typing import Any, NamedTuple

from web_runtime.errors import ToolError
from web_runtime.keys import (
    SealKey,
    SigningKey,
    new_seal_key,
    new_signing_key,
    read_key,
    write_key,
)


class DemoKeys(NamedTuple):
    """What signs and what seals."""

    signing: SigningKey
    sealing: SealKey

    def trust(self) -> dict[str, Any]:
        """Return the section ``trust`` of a configuration that runs what these keys packed."""
        seals = {self.sealing.key_id: self.sealing.to_dict()["key"]}
        return {"keys": [self.signing.trusted()], "seals": seals}


def demo_keys(folder: Path) -> DemoKeys:
    """Return the keys in ``folder``, made now if it has none."""
    folder.mkdir(parents=True, exist_ok=True)
    signing, sealing = folder / "signing.json", folder / "sealing.json"
    if not signing.exists():
        write_key(signing, new_signing_key("demo"))
    if not sealing.exists():
        write_key(sealing, new_seal_key("demo"))
    one, other = read_key(signing), read_key(sealing)
    if isinstance(one, SigningKey) and isinstance(other, SealKey):
        return DemoKeys(one, other)
    raise ToolError(f"{folder}: expected a key that signs and one that seals. Delete the folder.")
