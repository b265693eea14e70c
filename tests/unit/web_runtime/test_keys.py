"""Keys: made once, kept from others, shown in public only by their public halves."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.config import parse_config
from edge_runtime.errors import TrustError
from edge_runtime.pure.bundle import read_frame
from edge_runtime.services.bundles import Bundles
from edge_runtime.testing.fake_host import create_fake_host

from tests.unit.web_runtime.test_cli import TASK, run
from web_runtime.errors import ToolError
from web_runtime.keys import SealKey, SigningKey, read_key


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "task.toml").write_text(TASK)
    (folder / "main.py").write_text("async def run(ctx, activation):\n    return 1\n")
    return folder


def made(*arguments: object) -> dict[str, Any]:
    code, out, err = run("keys", *arguments)
    assert code == 0, err
    trust: dict[str, Any] = json.loads(out)["trust"]
    return trust


def opens(bundle: bytes, trust: dict[str, Any]) -> str:
    """Return the task's name, or the reason or code why a device with ``trust`` refuses it."""

    async def play() -> str:
        host = create_fake_host()
        bundles = Bundles(host.crypto, host.clock, parse_config({"trust": trust}).trust, NoValues())
        await bundles.recall_after(asyncio.sleep(0))
        try:
            return (await bundles.open(bundle)).manifest.name
        except TrustError as error:
            return str(error.details.get("reason", error.code))

    return asyncio.run(play())


class NoValues:
    def get(self, key: str) -> Any:
        return None

    async def put(self, key: str, value: Any, encrypted: bool | None = None) -> None:
        """Keep nothing."""


def test_a_new_key_is_printed_for_the_configuration_and_signs_for_it(
    task: Path, tmp_path: Path
) -> None:
    file = tmp_path / "keys" / "shop-2026.json"
    trust = made("new", file)

    code, out, _ = run("pack", task, "-o", tmp_path / "x.edge", "--source", "--key", file)

    assert code == 0 and out.endswith(", signed\n")
    assert opens((tmp_path / "x.edge").read_bytes(), trust) == "Echo"
    assert trust["keys"][0]["id"] == "shop-2026"
    assert made("show", file) == trust
    other = made("new", tmp_path / "other.json")
    assert opens((tmp_path / "x.edge").read_bytes(), other) == "unknown-key"


def test_only_its_owner_can_read_a_key_and_nothing_private_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    printed = json.dumps([made("new", file), made("show", file)])

    assert file.stat().st_mode & 0o077 == 0
    secrets = json.loads(file.read_text())
    assert secrets["ed25519"] not in printed and secrets["p256"] not in printed
    assert [path.name for path in tmp_path.iterdir()] == ["k.json"]


@pytest.mark.parametrize("more", [[], ["--seal"]])
def test_a_key_is_never_overwritten(tmp_path: Path, more: list[str]) -> None:
    file = tmp_path / "k.json"
    made("new", file)
    before = file.read_bytes()

    code, _, err = run("keys", "new", file, *more)

    assert code == 1 and "never overwritten" in err
    assert file.read_bytes() == before


def test_rotating_ends_the_old_key_and_both_sign_until_then(task: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    before = made("new", old)
    trust = made("rotate", old, new)

    last_day = (datetime.now(UTC) + timedelta(days=90)).date()
    assert [key["id"] for key in trust["keys"]] == ["new", "old"]
    assert trust["keys"][1] == {**before["keys"][0], "notAfter": last_day.isoformat()}
    assert made("show", new, old) == trust
    assert old.stat().st_mode & 0o077 == 0
    run("pack", task, "-o", tmp_path / "x.edge", "--source", "--key", old, "--key", new)
    bundle = (tmp_path / "x.edge").read_bytes()
    assert opens(bundle, before) == opens(bundle, trust) == "Echo"
    assert opens(bundle, {"keys": trust["keys"][:1]}) == "Echo"


def test_a_key_that_has_ended_signs_nothing_any_more(task: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    made("new", old)
    trust = made("rotate", old, new, "--not-after", date(1970, 1, 2).isoformat())

    code, _, err = run("pack", task, "-o", tmp_path / "x.edge", "--source", "--key", old)

    assert code == 0 and f"{old}: expected a key in force, got one that ended on 1970-01-02" in err
    assert opens((tmp_path / "x.edge").read_bytes(), {"keys": trust["keys"][1:]}) == "expired-key"


def test_rotating_again_does_not_make_a_key_last(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    made("new", old)
    made("rotate", old, tmp_path / "a.json", "--not-after", "2020-01-01")

    trust = made("rotate", old, tmp_path / "b.json")

    assert trust["keys"][1]["notAfter"] == "2020-01-01"


def test_a_key_that_others_can_read_is_told(task: Path, tmp_path: Path) -> None:
    made("new", tmp_path / "k.json")
    order = ("pack", task, "-o", tmp_path / "x.edge", "--source", "--key", tmp_path / "k.json")
    assert run(*order)[2] == ""
    (tmp_path / "k.json").chmod(0o640)

    code, _, err = run(*order)

    assert code == 0 and "k.json: expected a file for its owner alone, got mode 640" in err


def test_a_key_signs_once(task: Path, tmp_path: Path) -> None:
    key = tmp_path / "k.json"
    made("new", key)

    code, _, err = run("pack", task, "-o", tmp_path / "x", "--source", "--key", key, "--key", key)

    assert code == 1 and "--key: expected each key once, got k again" in err
    assert not (tmp_path / "x").exists()


def test_a_seal_hides_the_files_and_opens_with_its_key(task: Path, tmp_path: Path) -> None:
    signing, sealing = tmp_path / "k.json", tmp_path / "s.json"
    trust = made("new", signing)
    seals = made("new", sealing, "--seal", "--id", "s1")
    pack = ["pack", task, "-o", tmp_path / "x.edge", "--source", "--key", signing]

    assert run(*pack, "--seal", sealing)[0] == 0

    bundle = (tmp_path / "x.edge").read_bytes()
    assert read_frame(bundle).seal_id == "s1"
    assert opens(bundle, {**trust, **seals}) == "Echo"
    assert opens(bundle, trust) == "seal-broken"
    with pytest.raises(TrustError):
        open_bundle(bundle)


def test_the_same_folder_and_keys_give_the_same_bytes(task: Path, tmp_path: Path) -> None:
    signing, sealing = tmp_path / "k.json", tmp_path / "s.json"
    made("new", signing)
    made("new", sealing, "--seal")
    options = ["--source", "--key", signing, "--seal", sealing]
    for name in ("a", "b"):
        run("pack", task, "-o", tmp_path / name, *options)
    (task / "main.py").write_text("async def run(ctx, activation):\n    return 2\n")
    run("pack", task, "-o", tmp_path / "c", *options)

    first, again, other = (read_frame((tmp_path / name).read_bytes()) for name in "abc")
    assert first == again
    assert first.payload[:12] != other.payload[:12]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "k.json", "--id", "a b"], "key id: expected at most 64 letters"),
        (["new", "k.json", "--not-after", "soon"], "date: expected YYYY-MM-DD, got 'soon'"),
        (["new", "k.json", "--not-after", "2020-01-01"], "that signs, got 2020-01-01"),
        (["new", "k.json", "--seal", "--not-after", "2999-01-01"], "that signs, got --seal"),
        (["show", "nothing.json"], "expected a key file, got"),
        (["show", "task/main.py"], "expected a key file of `web-runtime keys new`"),
        (["rotate", "seal.json", "k.json"], "expected a key that signs, got one that seals"),
        (["rotate", "old.json", "k.json", "--id", "old"], "expected another id than old"),
        (["rotate", "old.json", "old.json", "--id", "new"], "never overwritten"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(
    task: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    made("new", tmp_path / "old.json")
    made("new", tmp_path / "seal.json", "--seal")
    before = (tmp_path / "old.json").read_bytes()
    given = [tmp_path / each if "." in each else each for each in arguments]

    code, out, err = run("keys", *given)

    assert (code, out) == (1, "") and message in err
    assert (tmp_path / "old.json").read_bytes() == before
    assert not (tmp_path / "k.json").exists()


def test_a_key_of_the_other_kind_does_not_pack(task: Path, tmp_path: Path) -> None:
    made("new", tmp_path / "k.json")
    made("new", tmp_path / "s.json", "--seal")

    for option, name in (("--key", "s.json"), ("--seal", "k.json")):
        code, _, err = run("pack", task, "-o", tmp_path / "x", "--source", option, tmp_path / name)
        assert code == 1 and "expected a key that" in err


def test_a_file_with_other_secrets_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    made("new", file)
    key = read_key(file)
    assert isinstance(key, SigningKey)
    wrong = [{"ed25519": "AAAA"}, {"p256": "A" * 43 + "="}, {"id": 5}, {"kind": "other"}]
    for change in wrong:
        file.write_text(json.dumps({**key.to_dict(), **change}))
        with pytest.raises(ToolError, match="expected"):
            read_key(file)
    for text in ("[]", "5", "{", "{}", ""):
        file.write_text(text)
        with pytest.raises(ToolError, match="expected a key file"):
            read_key(file)
    file.write_text(json.dumps(SealKey("s", bytes(32)).to_dict()))
    assert read_key(file) == SealKey("s", bytes(32))
