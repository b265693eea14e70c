"""Whose bundles run, in a real browser: signatures, seals and versions with its WebCrypto."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from web_runtime.keys import SealKey, SigningKey, signing_of
from web_runtime.pack import pack_task

from .conftest import Serve
from .edge_page import EdgePage
from .site import write_site

KEY = SigningKey("shop", b"\1" * 32, b"\2" * 32)
SEAL = SealKey("s1", b"\3" * 32)
PUBLIC = KEY.trusted()
SEALS = {"s1": SEAL.to_dict()["key"]}


class Shop:
    """A site whose one task is signed and sealed."""

    def __init__(self, folder: Path, trust: dict[str, Any], version: str = "1.0.0") -> None:
        self.folder = write_site(folder, config={"trust": trust})
        self.publish(version)

    def publish(self, version: str) -> None:
        """Publish another version of the task."""
        source = self.folder / "src" / "Echo"
        text = (source / "task.toml").read_text()
        old = next(line for line in text.splitlines() if line.startswith("version"))
        (source / "task.toml").write_text(text.replace(old, f"version = {json.dumps(version)}"))
        packed = pack_task(source, signing=signing_of(KEY), sealing=SEAL)
        (self.folder / "tasks" / "Echo.edge").write_bytes(packed)

    def flip(self, at: int) -> None:
        """Change one byte of the bundle."""
        bundle = self.folder / "tasks" / "Echo.edge"
        data = bytearray(bundle.read_bytes())
        data[at] ^= 1
        bundle.write_bytes(bytes(data))


def codes(edge: EdgePage) -> list[Any]:
    return [(each["code"], each["details"].get("reason")) for each in edge.ready()["problems"]]


def test_a_signed_and_sealed_bundle_runs(serve: Serve, page: Page, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "site", {"keys": [PUBLIC], "seals": SEALS})
    edge = EdgePage(page, serve(shop.folder)).open()

    assert edge.ready()["problems"] == []
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}


def test_either_algorithm_is_enough(serve: Serve, page: Page, tmp_path: Path) -> None:
    for number, algorithm in enumerate(("ed25519", "p256")):
        key = {"id": PUBLIC["id"], algorithm: PUBLIC[algorithm]}
        shop = Shop(tmp_path / str(number), {"keys": [key], "seals": SEALS})
        edge = EdgePage(page, serve(shop.folder)).open()
        assert edge.ready()["problems"] == []


def test_a_changed_bundle_is_refused_by_its_signature(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "site", {"keys": [PUBLIC], "seals": SEALS})
    shop.flip(30)
    edge = EdgePage(page, serve(shop.folder)).open()

    assert codes(edge) == [("bundle-untrusted", "wrong-signature")]
    assert edge.infer("echo")["error"]["code"] == "task-unknown"


def test_a_site_that_trusts_nobody_runs_nothing(serve: Serve, page: Page, tmp_path: Path) -> None:
    edge = EdgePage(page, serve(Shop(tmp_path / "site", {}).folder)).open()

    assert codes(edge) == [("bundle-untrusted", "unknown-key")]


def test_after_a_reload_an_older_version_is_not_run(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "site", {"keys": [PUBLIC], "seals": SEALS}, "1.10.0")
    edge = EdgePage(page, serve(shop.folder)).open()
    assert edge.ready()["problems"] == []
    assert "ok" in edge.call("flush")

    shop.publish("1.9.0")
    page.reload()
    assert codes(edge) == [("bundle-outdated", None)]

    shop.publish("1.11.0")
    page.reload()
    assert edge.ready()["problems"] == []
    assert "ok" in edge.call("erase")

    shop.publish("1.0.0")
    page.reload()
    assert edge.ready()["problems"] == []
