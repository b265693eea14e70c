"""Whether a bundle may run: whose it is, how old, for which interpreter, and in which order."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from edge_runtime.bundle_writer import write_bundle
from edge_runtime.config import parse_config
from edge_runtime.errors import EdgeError, HostError, TrustError
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.pure.abi import Abi, abi_here
from edge_runtime.pure.bundle import read_frame
from edge_runtime.pure.manifest import OpenedBundle, from_task_toml
from edge_runtime.services.bundles import Bundles
from edge_runtime.services.bundles_versions import KEY
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import JsonValue

from web_runtime.keys import SealKey, Signature, SigningKey, signing_of

TOML = {"name": "Rank", "system_code": "demo", "business_code": "rank"}
FILES = {"main.py": b"code"}
KEY_A = SigningKey("a", b"\1" * 32, b"\2" * 32)
KEY_B = SigningKey("b", b"\3" * 32, b"\4" * 32)
SEAL = SealKey("s1", b"\5" * 32)


def bundle(
    *signing: Signature, version: str = "1.0.0", seal: SealKey | None = None, abi: Abi | None = None
) -> bytes:
    files = {"main.pyc": b"code"} if abi else FILES
    manifest = from_task_toml({**TOML, "version": version}, files, abi)
    return write_bundle(manifest, files, signing=signing, sealing=seal)


def trust(*keys: SigningKey, **more: Any) -> dict[str, Any]:
    return {"keys": [key.trusted() for key in keys], **more}


class Crypto(FileCrypto):
    """Notes what it is asked; ``missing`` are algorithms that it does not know."""

    def __init__(self, *missing: str) -> None:
        super().__init__(None)
        self.missing = missing
        self.asked: list[str] = []

    async def verify(
        self, algorithm: Any, public_key: bytes, signature: bytes, data: bytes
    ) -> bool:
        self.asked.append(algorithm)
        if algorithm in self.missing:
            raise HostError("feature-missing", f"no {algorithm}")
        return await super().verify(algorithm, public_key, signature, data)

    async def unseal_with(self, secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        self.asked.append("unseal")
        return await super().unseal_with(secret, sealed, associated_data)


class Values:
    """The store's values."""

    def __init__(self, **kept: JsonValue) -> None:
        self.kept: dict[str, JsonValue] = {KEY: kept} if kept else {}
        self.is_failing = False

    def get(self, key: str) -> JsonValue:
        return self.kept.get(key)

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        assert encrypted
        if self.is_failing:
            raise HostError("storage-failed", "no")
        self.kept[key] = value


class Device:
    """One life of a device."""

    def __init__(
        self,
        given: Mapping[str, Any],
        values: Values | None = None,
        crypto: Crypto | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.values, self.crypto = values or Values(), crypto or Crypto()
        config = parse_config({"trust": given}).trust
        self.bundles = Bundles(self.crypto, clock or ManualClock(), config, self.values)

    async def open(self, *data: bytes) -> list[OpenedBundle]:
        await self.bundles.recall_after(asyncio.sleep(0))
        return [await self.bundles.open(each) for each in data]

    def opens(self, data: bytes) -> OpenedBundle:
        return asyncio.run(self.open(data))[0]

    def refusal(self, data: bytes) -> EdgeError:
        with pytest.raises(EdgeError) as refused:
            self.opens(data)
        return refused.value

    def reason(self, data: bytes) -> str:
        refused = self.refusal(data)
        assert refused.code == "bundle-untrusted"
        return str(refused.details["reason"])


SIGNED = bundle(*signing_of(KEY_A))


def test_a_bundle_signed_by_a_trusted_key_opens() -> None:
    opened = Device(trust(KEY_A)).opens(SIGNED)
    assert (opened.manifest.name, opened.files) == ("Rank", FILES)


def test_who_signed_it_decides() -> None:
    unsigned, both = bundle(), bundle(*signing_of(KEY_A), *signing_of(KEY_B))

    assert Device(trust(KEY_A)).reason(unsigned) == "unsigned"
    assert Device({}).reason(SIGNED) == Device(trust(KEY_B)).reason(SIGNED) == "unknown-key"
    impostor = replace(KEY_B, key_id="a")
    assert Device(trust(impostor)).reason(SIGNED) == "wrong-signature"
    for keys in ([KEY_A], [KEY_B], [KEY_A, KEY_B]):
        assert Device(trust(*keys)).opens(both)


def test_every_signature_of_a_trusted_key_has_to_hold() -> None:
    impostor = signing_of(replace(KEY_B, key_id="a"))
    for half in (0, 1):
        pair = [*signing_of(KEY_A)]
        pair[half] = impostor[half]
        assert Device(trust(KEY_A)).reason(bundle(*pair)) == "wrong-signature"
    wrong_second = bundle(*signing_of(KEY_A), *signing_of(replace(KEY_A, key_id="b")))
    assert Device(trust(KEY_A, KEY_B)).reason(wrong_second) == "wrong-signature"


@pytest.mark.parametrize(("day", "holds"), [("2026-03-31T23:59:59", True), ("2026-04-01", False)])
def test_a_key_is_trusted_to_the_end_of_its_last_day(day: str, holds: bool) -> None:
    clock = ManualClock(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000)
    ending = replace(KEY_A, not_after="2026-03-31")

    if holds:
        assert Device(trust(ending), clock=clock).opens(SIGNED)
    else:
        assert Device(trust(ending), clock=clock).reason(SIGNED) == "expired-key"
        both = bundle(*signing_of(KEY_A), *signing_of(KEY_B))
        assert Device(trust(ending, KEY_B), clock=clock).opens(both)


@pytest.mark.parametrize("now_ms", [-1e18, 1e18])
def test_an_impossible_clock_breaks_nothing(now_ms: float) -> None:
    assert Device(trust(KEY_A), clock=ManualClock(now_ms)).opens(SIGNED)


def test_where_the_engine_lacks_one_algorithm_the_other_decides() -> None:
    only_p256 = Device(trust(KEY_A), crypto=Crypto("ed25519"))
    assert only_p256.opens(SIGNED)
    forged = bundle(signing_of(KEY_A)[0], signing_of(replace(KEY_B, key_id="a"))[1])
    assert Device(trust(KEY_A), crypto=Crypto("ed25519")).reason(forged) == "wrong-signature"
    refused = Device(trust(KEY_A), crypto=Crypto("ed25519")).refusal(bundle(signing_of(KEY_A)[0]))
    assert refused.code == "feature-missing"


def test_a_key_of_one_algorithm_says_nothing_of_the_other() -> None:
    public = KEY_A.trusted()
    given = {"keys": [{"id": "a", "p256": public["p256"]}]}

    assert Device(given).opens(SIGNED)
    assert Device(given).reason(bundle(signing_of(KEY_A)[0])) == "unknown-key"


def test_unsigned_bundles_run_where_that_is_allowed_and_signatures_still_count() -> None:
    assert Device({"unsigned": True}).opens(bundle())
    assert Device({"unsigned": True}).opens(SIGNED)
    assert Device(trust(KEY_A, unsigned=True)).opens(bundle())
    assert Device(trust(KEY_A, unsigned=True)).opens(SIGNED)
    assert Device(trust(KEY_B, unsigned=True)).reason(SIGNED) == "unknown-key"
    impostor = replace(KEY_B, key_id="a")
    assert Device(trust(impostor, unsigned=True)).reason(SIGNED) == "wrong-signature"


def test_a_seal_opens_with_its_key_only() -> None:
    sealed = bundle(*signing_of(KEY_A), seal=SEAL)
    key, other = SEAL.to_dict()["key"], SealKey("s1", bytes(32)).to_dict()["key"]

    assert Device(trust(KEY_A, seals={"s1": key})).opens(sealed).files == FILES
    for seals in ({}, {"s2": key}, {"s1": other}):
        assert Device(trust(KEY_A, seals=seals)).refusal(sealed).code == "seal-broken"


def test_bytecode_of_another_interpreter_is_refused() -> None:
    here = abi_here()
    assert Device(trust(KEY_A)).opens(bundle(*signing_of(KEY_A), abi=here))
    for other in (
        replace(here, pyodide="1"),
        replace(here, python="3.99"),
        replace(here, magic="00000000"),
    ):
        refused = Device(trust(KEY_A)).refusal(bundle(*signing_of(KEY_A), abi=other))
        assert refused.code == "version-mismatch" and str(here) in refused.message


def test_each_step_comes_before_the_next() -> None:
    """One bundle has every defect but those before; each device mends the one that was named."""
    other = replace(abi_here(), pyodide="9")
    worst = bundle(*signing_of(KEY_A), version="1.0", seal=SEAL, abi=other)
    cut = worst[:-1]
    values = {"Rank": "2.0"}

    untrusting = Device({}, Values(**values))
    assert untrusting.refusal(worst[:40]).code == "bundle-invalid"
    assert untrusting.refusal(cut).code == "bundle-untrusted"
    assert untrusting.crypto.asked == []
    aged = Device(trust(KEY_A), Values(**values))
    assert aged.refusal(cut).code == "bundle-outdated"
    assert aged.crypto.asked == ["ed25519", "p256"]
    foreign = Device(trust(KEY_A))
    assert foreign.refusal(cut).code == "version-mismatch"
    fitting = bundle(*signing_of(KEY_A), seal=SEAL, abi=abi_here())[:-1]
    assert foreign.refusal(fitting).code == "digest-mismatch"
    assert "unseal" not in foreign.crypto.asked
    whole = bundle(*signing_of(KEY_A), seal=SealKey("s1", bytes(32)), abi=abi_here())
    assert Device(trust(KEY_A, seals={"s1": SEAL.to_dict()["key"]})).refusal(whole).code == (
        "seal-broken"
    )


def test_the_manifest_is_not_read_before_it_is_trusted() -> None:
    frame = read_frame(SIGNED)
    changed = SIGNED.replace(frame.manifest[:1], b"x", 1)

    assert Device(trust(KEY_A)).reason(changed) == "wrong-signature"
    assert Device({"unsigned": True}).refusal(changed).code == "bundle-invalid"


def test_a_version_that_ran_is_not_followed_by_a_lower_one() -> None:
    async def play() -> None:
        values = Values()
        device = Device(trust(KEY_A), values)
        (opened,) = await device.open(bundle(*signing_of(KEY_A), version="1.10.0"))
        device.bundles.remember([opened.manifest])
        await settle()
        assert values.kept == {KEY: {"Rank": "1.10.0"}}
        for later in (device, Device(trust(KEY_A), values)):
            for version in ("1.10.0", "1.10", "1.11-beta", "2.0.0"):
                await later.open(bundle(*signing_of(KEY_A), version=version))
            for version in ("1.9.9", "1.9", "0.99.0", "v1", "beta"):
                with pytest.raises(TrustError, match=r"expected version 1\.10\.0 or higher") as old:
                    await later.open(bundle(*signing_of(KEY_A), version=version))
                assert old.value.code == "bundle-outdated"

    asyncio.run(play())


def test_what_opened_but_did_not_run_is_not_remembered() -> None:
    async def play() -> None:
        device = Device(trust(KEY_A))
        await device.open(bundle(*signing_of(KEY_A), version="9"))
        device.bundles.remember([])
        await device.open(SIGNED)
        await settle()
        assert device.values.kept == {}

    asyncio.run(play())


def test_unsigned_bundles_neither_have_nor_make_a_past() -> None:
    async def play() -> None:
        device = Device(trust(KEY_A, unsigned=True), Values(Rank="5.0"))
        (opened,) = await device.open(bundle(version="9.0"))
        device.bundles.remember([opened.manifest])
        await settle()
        assert device.values.kept == {KEY: {"Rank": "5.0"}}
        await device.open(bundle(version="1.0"))

    asyncio.run(play())


def test_a_lower_version_in_use_takes_nothing_back() -> None:
    async def play() -> None:
        values = Values()
        device = Device(trust(KEY_A), values)
        for version in ("2.0", "2.0.0+build5"):
            (opened,) = await device.open(bundle(*signing_of(KEY_A), version=version))
            device.bundles.remember([opened.manifest])
        await settle()
        assert values.kept == {KEY: {"Rank": "2.0"}}

    asyncio.run(play())


@pytest.mark.parametrize("stored", ["text", [1], {"Rank": 5}, {"Rank": None}])
def test_what_is_stored_of_another_shape_is_left_out(stored: JsonValue) -> None:
    values = Values()
    values.kept[KEY] = stored
    assert Device(trust(KEY_A), values).opens(SIGNED)


def test_a_store_that_keeps_nothing_is_no_obstacle() -> None:
    async def play() -> None:
        device = Device(trust(KEY_A))
        device.values.is_failing = True
        (opened,) = await device.open(bundle(*signing_of(KEY_A), version="2"))
        device.bundles.remember([opened.manifest])
        await settle()
        with pytest.raises(TrustError):
            await device.open(SIGNED)

    asyncio.run(play())


def test_versions_are_compared_once_the_store_has_started() -> None:
    async def play() -> None:
        device = Device(trust(KEY_A), Values(Rank="2.0"))
        starting = asyncio.Event()
        recalling = asyncio.create_task(device.bundles.recall_after(starting.wait()))
        opening = asyncio.create_task(device.bundles.open(SIGNED))
        await settle()
        assert device.crypto.asked == ["ed25519", "p256"] and not opening.done()
        starting.set()
        await recalling
        with pytest.raises(TrustError, match="version 2.0 or higher"):
            await opening

    asyncio.run(play())


def test_a_store_that_fails_to_start_keeps_no_bundle_waiting() -> None:
    async def fail() -> None:
        raise HostError("storage-failed", "no")

    async def play() -> None:
        device = Device(trust(KEY_A))
        opening = asyncio.create_task(device.bundles.open(SIGNED))
        with pytest.raises(HostError):
            await device.bundles.recall_after(fail())
        assert (await opening).files == FILES

    asyncio.run(play())
