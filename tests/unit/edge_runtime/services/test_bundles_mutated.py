"""Whatever somebody does to a bundle: its code is not read, and the error is a documented one."""

import asyncio
import marshal
from collections import Counter
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.errors import TrustError
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.pure.abi import abi_here
from edge_runtime.services.bundles import Bundles
from edge_runtime.testing.manual_clock import ManualClock

from tests.bundle_mutations import TRUST, VERSIONS, Mutation, material_of, mutated
from tests.effort import examples

SOURCE = "async def run(ctx, activation):\n    return 1\n"
CODE = marshal.dumps(compile(SOURCE, "Rank/main.py", "exec"))
COUNT = 100_000


class Kept:
    """The store's values."""

    def get(self, key: str) -> Any:
        return VERSIONS

    async def put(self, key: str, value: Any, encrypted: bool | None = None) -> None:
        """Keep nothing."""


class Device:
    """Opens bundles as a device does, and reads the code of those that open."""

    def __init__(self) -> None:
        self.read = 0
        self.codes: Counter[tuple[str, str]] = Counter()
        trust = parse_config({"trust": TRUST}).trust
        self.bundles = Bundles(FileCrypto(None), ManualClock(), trust, Kept())

    def spy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count what is unmarshalled by anybody from now on."""
        loads = marshal.loads

        def counted(data: bytes) -> Any:
            self.read += 1
            return loads(data)

        monkeypatch.setattr(marshal, "loads", counted)

    async def load(self, data: bytes) -> None:
        opened = await self.bundles.open(data)
        marshal.loads(opened.files["main.pyc"])

    async def refuse(self, mutation: Mutation) -> None:
        with pytest.raises(TrustError) as refused:
            await self.load(mutation.data)
        assert refused.value.code in mutation.codes, (mutation, refused.value)
        assert refused.value.message.count("expected ") and refused.value.message.endswith(".")
        self.codes[mutation.kind, refused.value.code] += 1


def test_no_mutated_bundle_is_ever_unmarshalled(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()

    async def play() -> None:
        await device.bundles.recall_after(asyncio.sleep(0))
        good = material_of(abi_here(), CODE).good
        for data in good:
            await device.load(data)
        # Only now: Python's own imports unmarshal, too.
        device.spy(monkeypatch)
        await device.load(good[0])
        assert device.read == 1
        for mutation in mutated(examples(COUNT), 6, abi_here(), CODE):
            await device.refuse(mutation)
        assert device.read == 1

    asyncio.run(play())
    found = {code for _, code in device.codes}
    assert found == set(material_of(abi_here(), CODE).bad[0].codes) | {
        "bundle-invalid",
        "bundle-untrusted",
        "version-mismatch",
        "digest-mismatch",
        "seal-broken",
    }
    assert {mutation.kind for mutation in material_of(abi_here(), CODE).bad} <= {
        kind for kind, _ in device.codes
    }
