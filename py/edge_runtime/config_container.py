"""What a site says of the workers that run tasks, and of whose tasks they are."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """How many VMs run tasks, what they may use, and when they are replaced.

    Attributes:
        vms: Workers that run tasks; 0: none, they run inside the runtime worker; None: by the
            device's memory.
        memory_mb: What a VM's heap may reach, in MiB.
        recycle_mb: Heap size at which an idle VM is replaced, in MiB.
        recycle_runs: Runs after which an idle VM is replaced.
        idle_ms: Time without a run after which a VM is ended.
        spare: Whether one more is kept started; None: by the device's memory.
    """

    vms: int | None = None
    memory_mb: float = 512
    recycle_mb: float = 256
    recycle_runs: int = 10_000
    idle_ms: float = 300_000
    spare: bool | None = None


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A signer's public keys: Ed25519 (32 bytes), P-256 (uncompressed point, 65 bytes), or both.

    ``not_after`` is the last day of trust (UTC), ``YYYY-MM-DD``; None: without end.
    """

    key_id: str
    ed25519: bytes | None = None
    p256: bytes | None = None
    not_after: str | None = None


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """Whose bundles run: signers, AES keys of sealed bundles by id; whether unsigned ones do."""

    keys: tuple[TrustedKey, ...] = ()
    seals: Mapping[str, bytes] = field(default_factory=dict)
    unsigned: bool = False


def parse_container(plain: Mapping[str, Any], vms: Any) -> ContainerConfig:
    """Turn the checked sections ``container`` and ``vms`` of a configuration into a record."""
    default, spare = ContainerConfig(), plain.get("spare", "auto")
    return ContainerConfig(
        vms=None if vms == "auto" else int(vms),
        memory_mb=plain.get("memoryMb", default.memory_mb),
        recycle_mb=plain.get("recycleMb", default.recycle_mb),
        recycle_runs=int(plain.get("recycleRuns", default.recycle_runs)),
        idle_ms=plain.get("idleMs", default.idle_ms),
        spare=None if spare == "auto" else spare,
    )


def with_vms(config: ContainerConfig, vms: int | str | None) -> ContainerConfig:
    """Return ``config`` with the ``vms`` that a page asks for, if it does: ``auto`` or a number."""
    return config if vms is None else replace(config, vms=None if vms == "auto" else int(vms))


def parse_trust(plain: Mapping[str, Any]) -> TrustConfig:
    """Turn the checked section ``trust`` of a configuration into a record."""
    return TrustConfig(
        keys=tuple(
            TrustedKey(
                each["id"], _bytes(each, "ed25519"), _bytes(each, "p256"), each.get("notAfter")
            )
            for each in plain.get("keys", ())
        ),
        seals={name: base64.b64decode(key) for name, key in plain.get("seals", {}).items()},
        unsigned=plain.get("unsigned", False),
    )


def _bytes(plain: Mapping[str, Any], name: str) -> bytes | None:
    given = plain.get(name)
    return None if given is None else base64.b64decode(given)
