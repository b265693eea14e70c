"""`web-runtime inspect`: what it sees with and without the key, and what it never shows."""

import asyncio
import base64
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.host.native.storage import SqliteStorage
from edge_runtime.pure import segment
from edge_runtime.pure.record import pack, unpack
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.services.store_legacy import ROOT as OLD_ROOT
from typer.testing import CliRunner

from web_runtime.cli import main
from web_runtime.serve import DEVELOPMENT, BackgroundServer, create_app

from .stored_data import MARKERS, StoredData, fill, stored
from .test_serve import Client

SEGMENT = segment.record_key
ROOT = Path(__file__).parents[3]
BODY, TAG = -20, -1
HEAD = "head"


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> StoredData:
    return stored(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def data(untouched: StoredData) -> StoredData:
    return untouched.copy()


class Inspected:
    """One run of the command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def damage(self) -> set[tuple[str, str, str, str]]:
        return {
            (each["store"], each["first"], each["last"], each["reason"])
            for each in self.report["damage"]
        }


def run(*arguments: object) -> Inspected:
    plain = CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    result = plain.invoke(main, ["inspect", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not any(marker in result.output for marker in MARKERS)
    return Inspected(result.exit_code, result.stdout, result.stderr)


class Both:
    """The same dump without and with its key."""

    def __init__(self, data: StoredData, folder: Path) -> None:
        dump, key = data.write_to(folder)
        self.without = run(dump, "--json")
        self.with_key = run(dump, "--json", "--key", key)
        # What is printed says the same; whether it holds the marker was looked at.
        assert run(dump).code == self.without.code
        assert run(dump, "--key", key).code == self.with_key.code


def at(store: str, first: str, reason: str, last: str | None = None) -> tuple[str, str, str, str]:
    return (store, first, last or first, reason)


def test_sound_data_is_counted_without_the_key(data: StoredData, tmp_path: Path) -> None:
    seen = run(data.write_dump(tmp_path / "d.json"), "--json")

    report = seen.report
    assert (seen.code, report["isSound"], report["opened"]) == (0, True, None)
    sizes = [len(record) for record in data.stores["sealed"].values()]
    assert report["stores"]["sealed"] == {
        "records": len(sizes),
        "bytes": sum(sizes),
        "smallestBytes": min(sizes),
        "largestBytes": max(sizes),
        "other": {},
    }
    log = report["logs"]["sealed"]
    assert (log["first"], log["last"], log["linked"]) == (7, 14, 8)
    assert (log["gaps"], log["outOfPlace"], log["oldSchema"]) == ([], 0, 0)
    assert (log["generations"], list(log["keyIds"].values())) == ([1, 1], [8])
    images = {f"{each['slot']}-{each['route']}": each["use"] for each in report["images"]}
    assert images == {"a-sealed": "spare", "b-sealed": "in use", "b-plain": "in use"}
    assert all(each["linked"] == each["expected"] == 1 for each in report["images"])
    assert report["meta"]["writer"] == 1
    assert report["meta"]["hasAnchor"] is True
    assert report["plain"] == {"events": 0, "keys": 2}
    assert report["rootKeys"] == ["edge-root-2"]


def test_sound_data_is_proven_with_the_key(data: StoredData, tmp_path: Path) -> None:
    dump, key = data.write_to(tmp_path)

    seen = run(dump, "--json", "--key", key)

    opened = seen.report["opened"]
    assert (seen.code, seen.damage, opened["isProven"]) == (0, set(), True)
    assert opened["rows"] == {
        "sealed": {"events": 13, "keys": 1},
        "plain": {"events": 0, "keys": 2},
    }
    assert (opened["tail"], opened["problems"]) == ({"sealed": 14, "plain": 2}, [])


def test_what_is_printed_says_how_far_it_was_proven(data: StoredData, tmp_path: Path) -> None:
    dump, key = data.write_to(tmp_path)
    key.write_text(f"{data.key.hex()}\n")

    without, with_key = run(dump), run(dump, "--key", key)

    assert "https://shop.test, 2023-11-14 22:13:20 UTC" in without.out
    assert "root keys: edge-root-2 (a browser's cannot be exported" in without.out
    assert "plain content: events 0, keys 2 (unproven without the key)" in without.out
    assert "sealed content: sealed, " in without.out and "events 13" not in without.out
    assert without.out.rstrip().endswith("what is sealed needs --key to be proven")
    assert "with the key: sealed: events 13, keys 1" in with_key.out
    assert with_key.out.rstrip().endswith("\nsound")


Break = Callable[[StoredData], object]
LAST = SEGMENT(14)
# What is broken, what shows without the key (as the exit code), and what the key proves.
BREAKS: dict[str, tuple[Break, int, set[tuple[str, str, str, str]]]] = {
    "a flipped byte of a body": (
        lambda data: data.flip("sealed", SEGMENT(12), BODY),
        0,
        {at("sealed", SEGMENT(12), "seal-broken")},
    ),
    "a flipped byte of a tag": (
        lambda data: data.flip("sealed", SEGMENT(13), TAG),
        1,
        {at("sealed", SEGMENT(13), "seal-broken")},
    ),
    "a flipped byte of a magic": (
        lambda data: data.flip("sealed", SEGMENT(12), 0),
        1,
        {at("sealed", SEGMENT(12), "seal-broken")},
    ),
    "a flipped byte of a plain segment": (
        lambda data: data.flip("plain", SEGMENT(2), -40),
        1,
        {at("plain", SEGMENT(2), "seal-broken")},
    ),
    "a flipped byte of a plain segment's seal": (
        lambda data: data.flip("plain", SEGMENT(2), BODY),
        0,
        {at("plain", SEGMENT(2), "seal-broken")},
    ),
    "a missing segment": (
        lambda data: data.stores["sealed"].pop(SEGMENT(13)),
        1,
        {at("sealed", SEGMENT(13), "missing")},
    ),
    "a missing segment of the spare": (
        lambda data: data.stores["sealed"].pop(SEGMENT(8)),
        1,
        {at("sealed", SEGMENT(8), "missing")},
    ),
    "a flipped byte in a segment of the spare": (
        lambda data: data.flip("sealed", SEGMENT(9), BODY),
        0,
        {at("sealed", SEGMENT(9), "seal-broken")},
    ),
    "swapped segments": (
        lambda data: data.swap("sealed", SEGMENT(12), SEGMENT(13)),
        1,
        {at("sealed", SEGMENT(12), "seal-broken", SEGMENT(13))},
    ),
    "a tail cut off": (
        lambda data: [data.stores["sealed"].pop(SEGMENT(n)) for n in (13, 14)],
        0,
        {at("sealed", SEGMENT(13), "missing", LAST)},
    ),
    "a stranger's record": (
        lambda data: data.stores["sealed"].update({"zz": b"x", SEGMENT(1): b"y"}),
        1,
        {at("sealed", "zz", "unexpected"), at("sealed", SEGMENT(1), "unexpected")},
    ),
    "a copy of a segment behind the last": (
        lambda data: data.stores["sealed"].update({SEGMENT(15): data.stores["sealed"][LAST]}),
        1,
        {at("sealed", SEGMENT(15), "unexpected")},
    ),
    "a missing tail": (
        lambda data: data.stores["meta"].pop("tail"),
        1,
        {at("meta", "tail", "missing")},
    ),
    "a flipped byte of the tail": (
        lambda data: data.flip("meta", "tail", BODY),
        0,
        {at("meta", "tail", "seal-broken")},
    ),
    "a flipped byte of a head": (
        lambda data: data.flip("meta", "head-copy", BODY),
        0,
        {at("meta", "head-copy", "seal-broken")},
    ),
    "no writer": (
        lambda data: data.stores["meta"].pop("writer"),
        1,
        {at("meta", "writer", "missing")},
    ),
    "no anchor": (
        lambda data: data.notes.clear(),
        1,
        {at("notes", "anchor", "missing")},
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_damage_is_found_and_named(name: str, data: StoredData, tmp_path: Path) -> None:
    damage, code, proven = BREAKS[name]
    damage(data)

    both = Both(data, tmp_path)

    assert both.without.code == code, both.without.out
    assert both.with_key.code == 1
    assert both.with_key.damage == proven
    if code == 1:
        assert {each[0] for each in both.without.damage} == {each[0] for each in proven}


def test_gaps_and_misplaced_records_are_counted(data: StoredData, tmp_path: Path) -> None:
    for number in (12, 13):
        del data.stores["sealed"][SEGMENT(number)]
    data.stores["sealed"] |= {"zz": b"x", SEGMENT(3): b"y"}

    seen = run(data.write_dump(tmp_path / "d.json"), "--json")

    log = seen.report["logs"]["sealed"]
    assert (log["gaps"], log["outOfPlace"]) == ([[12, 13]], 2)


def test_pointers_in_clear_that_say_something_else_are_found(
    data: StoredData, tmp_path: Path
) -> None:
    data.stores["meta"]["plain-images"] = b"[]"

    both = Both(data, tmp_path)

    assert (both.without.code, both.with_key.code) == (1, 1)
    assert both.with_key.damage == {at("meta", "plain-images", "other-history")}


def test_a_broken_checkpoint_is_found(data: StoredData, tmp_path: Path) -> None:
    in_use, spare = "b-sealed-00000", "a-sealed-00000"
    cases: list[tuple[Break, int, str]] = [
        (lambda broken: broken.stores["checkpoint"].pop(in_use), 1, in_use),
        (lambda broken: broken.flip("checkpoint", in_use, BODY), 0, in_use),
        (lambda broken: broken.flip("checkpoint", in_use, TAG), 1, in_use),
        (lambda broken: broken.flip("checkpoint", spare, BODY), 0, spare),
        (lambda broken: broken.swap("checkpoint", in_use, spare), 1, in_use),
    ]

    for damage, code, key in cases:
        broken = data.copy()
        damage(broken)
        both = Both(broken, tmp_path)
        assert (both.without.code, both.with_key.code) == (code, 1)
        assert key in {each[1] for each in both.with_key.damage}


def test_a_spare_that_was_given_up_is_no_damage(data: StoredData, tmp_path: Path) -> None:
    for number in range(7, 12):
        del data.stores["sealed"][SEGMENT(number)]
    del data.stores["plain"][SEGMENT(1)]
    del data.stores["checkpoint"]["a-sealed-00000"]

    both = Both(data, tmp_path)

    assert (both.without.code, both.with_key.code) == (0, 0)


def test_a_checkpoint_that_did_not_end_is_no_damage(data: StoredData, tmp_path: Path) -> None:
    record = data.stores["checkpoint"]["a-sealed-00000"]
    newer = unpack("sealed", record).header._replace(version=99)
    data.stores["checkpoint"]["a-sealed-00000"] = pack("sealed", newer, bytes(40))

    both = Both(data, tmp_path)

    assert (both.without.code, both.with_key.code) == (0, 0)
    images = both.without.report["images"]
    assert [each["use"] for each in images if each["slot"] == "a"] == ["left over"]


def test_a_database_that_was_put_back_is_found_with_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    asyncio.run(fill(SqliteStorage(folder), FileCrypto(folder)))
    former = (folder / "edge-store.sqlite3").read_bytes()
    asyncio.run(fill(SqliteStorage(folder), FileCrypto(folder)))
    for path in folder.glob("edge-store.sqlite3*"):
        path.unlink()
    (folder / "edge-store.sqlite3").write_bytes(former)

    with_key = run(folder, "--json", "--key", folder / "edge-root-2.key")

    assert (DATABASE, HEAD, HEAD, "rolled-back") in with_key.damage
    assert with_key.report["opened"]["isProven"] is False


def test_another_key_opens_nothing(data: StoredData, tmp_path: Path) -> None:
    dump, key = data.write_to(tmp_path)
    key.write_bytes(bytes(32))

    seen = run(dump, "--json", "--key", key)

    assert seen.code == 1
    assert seen.damage == {("meta", "head", "head-copy", "key-lost")}
    assert "with the key: nothing opens (key-lost)" in run(dump, "--key", key).out


def test_a_root_key_that_is_not_there_is_damage(data: StoredData, tmp_path: Path) -> None:
    data.keys = [{"name": "edge-root-2", "type": "string"}]

    seen = run(data.write_dump(tmp_path / "d.json"), "--json")

    assert seen.damage == {
        at("keys", "edge-root-2", "missing"),
        at("keys", "edge-root-2", "unexpected"),
    }


def test_values_that_are_no_records_are_named_by_their_type(
    data: StoredData, tmp_path: Path
) -> None:
    data.other["sealed"] = {
        "zz": {"type": "string"},
        "(number 0)": {"type": "Object", "key": "number"},
    }

    seen = run(data.write_dump(tmp_path / "d.json"), "--json")

    sealed = seen.report["stores"]["sealed"]
    assert sealed["other"] == {"string": 1, "Object under a number": 1}
    # As the core reads it: text keys count, with no bytes; others it never sees.
    assert (sealed["records"], sealed["smallestBytes"]) == (9, 0)
    assert seen.damage == {at("sealed", "zz", "unexpected")}


def test_a_newer_store_is_left_to_its_own_tool(data: StoredData, tmp_path: Path) -> None:
    for row in ("head", "head-copy"):
        data.stores["meta"][row] = b"EDH3" + data.stores["meta"][row][4:]

    both = Both(data, tmp_path)

    assert both.with_key.damage == {("meta", "head", "head-copy", "version-mismatch")}
    assert both.without.damage == {
        at("meta", "head", "version-mismatch"),
        at("meta", "head-copy", "version-mismatch"),
    }


def old_records(folder: Path) -> StoredData:
    """Return two records as schema 1 wrote them, and their key."""

    async def make() -> StoredData:
        crypto = FileCrypto(folder)
        await crypto.open_root(OLD_ROOT, create=True)
        key = "1700000000000-0a1b2c3d-00000001"
        event = '["a", 1700000000000, "mta", "P", null, 1, {}]'
        packed = segment.encode(segment.Operations([f"[{event}]"], []))
        parts = ("edge-runtime", DATABASE, "sealed", "1", OLD_ROOT, key)
        sealed = await crypto.seal(OLD_ROOT, packed, b"EDS1" + "\0".join(parts).encode())
        keys = segment.Operations([], ['["put", "ui.x", 1, 1700000000000, false]'])
        stores = {
            "sealed": {key: b"EDS1" + bytes([len(OLD_ROOT)]) + OLD_ROOT.encode() + sealed},
            "plain": {key: b"EDP1" + segment.encode(keys)},
        }
        data = StoredData(stores, {}, (folder / f"{OLD_ROOT}.key").read_bytes())
        data.keys = [OLD_ROOT]
        return data

    return asyncio.run(make())


def test_records_of_schema_1_are_counted_and_open_with_their_key(tmp_path: Path) -> None:
    both = Both(old_records(tmp_path), tmp_path)

    assert (both.without.code, both.with_key.code) == (0, 0)
    logs = both.without.report["logs"]
    assert [logs[route]["oldSchema"] for route in ("sealed", "plain")] == [1, 1]
    rows = both.with_key.report["opened"]["rows"]
    assert (rows["sealed"]["events"], rows["plain"]["keys"]) == (1, 1)


def test_nothing_stored_is_sound(tmp_path: Path) -> None:
    empty = StoredData({}, {}, bytes(32))
    empty.keys = []

    both = Both(empty, tmp_path)

    assert (both.without.code, both.with_key.code) == (0, 0)


def test_a_deletion_that_was_cut_off_is_told(data: StoredData, tmp_path: Path) -> None:
    for records in data.stores.values():
        records.clear()
    mark = {"generation": 3, "owner": "x", "emptied": True}
    data.stores["meta"]["writer"] = json.dumps(mark).encode()

    both = Both(data, tmp_path)

    assert (both.without.code, both.without.report["meta"]["isErasing"]) == (0, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.stores["sealed"].update({"999999999999": b"x"}),
        lambda data: data.notes.update(anchor=b"x" * 60),
        lambda data: data.stores["meta"].update({"plain-images": pointers(10**11)}),
        lambda data: data.stores["meta"].update({"plain-images": pointers(10**15)}),
        lambda data: data.stores["meta"].update({"plain-images": b"[1, 2]"}),
    ],
)
@pytest.mark.timeout(30)
def test_no_number_of_a_stranger_keeps_it_busy(
    change: Break, data: StoredData, tmp_path: Path
) -> None:
    change(data)

    assert run(data.write_dump(tmp_path / "d.json")).code in (0, 1)


def pointers(sequence: int) -> bytes:
    image = [sequence, base64.b64encode(bytes(16)).decode(), 10**11, "", "k", 0, 0]
    spare = [0, base64.b64encode(bytes(16)).decode(), 0, "", "", 0, 0]
    return json.dumps(
        [
            {"slot": slot, "version": 1, "createdMs": 0, "images": {"sealed": each, "plain": each}}
            for slot, each in (("a", image), ("b", spare))
        ]
    ).encode()


def test_names_are_printed_as_text_and_never_interpreted(data: StoredData, tmp_path: Path) -> None:
    data.stores["sealed"] |= {"\x1b[2J[red]名": b"x", "\ud800" + "z" * 200: b"x"}

    printed = run(data.write_dump(tmp_path / "d.json")).out

    assert "\\x1b[2J[red]\\u540d" in printed
    assert "\\ud800zzz" in printed and "z" * 60 not in printed
    assert "\x1b" not in printed


def test_long_lists_of_damage_end(data: StoredData, tmp_path: Path) -> None:
    data.stores["sealed"] |= {f"zz-{number:02d}": b"x" for number in range(30)}

    printed = run(data.write_dump(tmp_path / "d.json")).out

    assert "zz-19" in printed and "zz-20" not in printed
    assert "and 10 more (--json lists all)" in printed and "damage in 30 places" in printed


def test_a_folder_of_the_native_host_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    asyncio.run(fill(SqliteStorage(folder), FileCrypto(folder)))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    without = run(folder, "--json")
    with_key = run(folder, "--json", "--key", folder / "edge-root-2.key")

    assert (without.code, with_key.code) == (0, 0)
    assert without.report["rootKeys"] == ["edge-root-2"]
    assert without.report["meta"]["hasAnchor"] is True
    assert with_key.report["opened"]["rows"]["sealed"] == {"events": 13, "keys": 1}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no json", "expected a dump in JSON"),
        ("[]", "dump: expected an object, got a list"),
        ('{"format": "other"}', "format: expected edge-dump, got a str"),
        ('{"format": "edge-dump", "version": 2}', "version: expected 1, got 2"),
        ('{"format": "edge-dump", "version": 1}', "databases: expected an object, got nothing"),
        ("[" * 100_000, "expected a dump in JSON"),
    ],
)
def test_a_file_that_is_no_dump_ends_with_code_2(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(text)

    seen = run(path)

    assert (seen.code, seen.out) == (2, "")
    assert seen.err.startswith(f"web-runtime: {path}: ") and named in seen.err
    assert len(seen.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("takenMs",), "now", "takenMs: expected Unix time in ms, got a str"),
        (("origin",), None, "origin: expected a text, got nothing"),
        (("databases", DATABASE, "sealed"), [], "databases.edge-store.sealed: expected an object"),
        (("databases", DATABASE, "sealed"), {"a": "%"}, "expected base64, got 1 characters"),
        (("databases", DATABASE, "sealed"), {"a": 7}, "expected base64 or a type, got 7"),
        (("databases", "edge-keys", "keys"), {}, "edge-keys.keys: expected a list, got a dict"),
        (("databases", "edge-keys", "keys"), [7], "edge-keys.keys: expected names, got 7"),
    ],
)
def test_a_dump_of_another_shape_is_refused(
    place: tuple[str, ...], value: Any, named: str, data: StoredData, tmp_path: Path
) -> None:
    plain = data.plain()
    inside = plain
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    path = tmp_path / "d.json"
    path.write_text(json.dumps(plain))

    seen = run(path)

    assert (seen.code, seen.out) == (2, "")
    assert named in seen.err


def test_what_is_not_there_is_named(data: StoredData, tmp_path: Path) -> None:
    dump, key = data.write_to(tmp_path)

    for seen, named in (
        (run(tmp_path / "none.json"), "none.json: expected a dump"),
        (run(tmp_path), "expected edge-store.sqlite3 in it"),
        (run(dump, "--key", tmp_path / "none.key"), "--key: expected a file"),
    ):
        assert (seen.code, seen.out) == (2, "")
        assert named in seen.err


def test_a_key_of_another_length_is_refused_and_not_quoted(
    data: StoredData, tmp_path: Path
) -> None:
    dump, key = data.write_to(tmp_path)
    key.write_text(data.key.hex()[:-2])

    seen = run(dump, "--key", key)

    assert (seen.code, seen.out) == (2, "")
    assert "--key: expected 32 bytes or 64 hex digits, got 62 other bytes" in seen.err
    assert data.key.hex()[:8] not in seen.err


@pytest.mark.parametrize("mount", ["/edge", "/lib/edge"])
def test_the_development_server_alone_has_the_script_that_exports(
    mount: str, tmp_path: Path
) -> None:
    with BackgroundServer(create_app(tmp_path, tmp_path, mount=mount)) as server:
        client = Client(server.url)
        script = client.get(f"{mount}/dev/export-dump.js")
        beside = client.get(f"{mount}/dev/../cli.py")

    assert (script.status, beside.status) == (200, 404)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in script.headers["content-security-policy"]
    assert b"export async function exportDump()" in script.body


def test_a_package_has_the_script_too() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = pyproject["tool"]["setuptools"]["package-data"]["web_runtime"]

    packed = {path for pattern in patterns for path in (ROOT / "web_runtime").glob(pattern)}
    assert set(DEVELOPMENT.iterdir()) <= packed
