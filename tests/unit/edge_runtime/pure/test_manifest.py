"""Bundles: what is packed opens, and nothing else does."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, EdgeError, TrustError
from edge_runtime.pure.manifest import build_bundle, from_task_toml, open_bundle, parse_manifest
from edge_runtime.types import Priority, Supersede
from hypothesis import given
from hypothesis import strategies as st

TOML = {"name": "Rank", "version": "1.0.0", "system_code": "demo", "business_code": "rank"}
FILES = {"main.py": b"async def run(ctx, activation):\n    return 1\n", "data/words.txt": b"a\nb\n"}


def bundle(files: dict[str, bytes] = FILES, **fields: Any) -> bytes:
    return build_bundle(from_task_toml({**TOML, **fields}, files), files)


def repacked(change: Callable[[dict[str, Any]], None], members: list[tuple[str, bytes]]) -> bytes:
    """Zip ``members`` after a manifest of FILES that ``change`` has had its way with."""
    manifest = from_task_toml(TOML, FILES).to_dict()
    change(manifest)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


def unchanged(manifest: dict[str, Any]) -> None:
    """Leave the manifest as it is."""


def test_a_packed_task_opens_with_its_fields_and_files() -> None:
    opened = open_bundle(bundle(models=["ranker"], priority="core", timeout_ms=200))

    manifest = opened.manifest
    assert (manifest.name, manifest.entry, manifest.models) == ("Rank", "main:run", ("ranker",))
    assert (manifest.priority, manifest.timeout_ms) == (Priority.CORE, 200)
    assert opened.files == FILES
    assert manifest.files["main.py"].sha256 == hashlib.sha256(FILES["main.py"]).hexdigest()


def test_packing_twice_gives_the_same_bytes_in_any_order_of_files() -> None:
    assert bundle() == bundle(dict(reversed(FILES.items())))


def test_what_a_task_says_of_supersession_is_kept() -> None:
    manifest = from_task_toml({**TOML, "supersede": "latest"}, FILES)

    assert manifest.supersede is Supersede.LATEST
    assert parse_manifest(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_a_task_that_says_nothing_of_supersession_opens_where_that_is_not_known() -> None:
    manifest = from_task_toml(TOML, FILES)

    assert manifest.supersede is Supersede.NONE
    assert "supersede" not in manifest.to_dict()


def test_a_manifest_survives_its_plain_form() -> None:
    manifest = from_task_toml(TOML, FILES)
    assert parse_manifest(json.loads(json.dumps(manifest.to_dict()))) == manifest


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            {**TOML, "bussiness": 1},
            "task.toml at bussiness: expected one of the fields name, version",
        ),
        (
            {**TOML, "timeout_ms": math.nan},
            "task.toml at timeout_ms: expected a finite number, got NaN",
        ),
        ({**TOML, "timeout_ms": "5s"}, 'task.toml at timeout_ms: expected number, got "5s"'),
        ({**TOML, "models": ["a b"]}, r"task.toml at models\[0\]: expected Model name of letters"),
        ({**TOML, "entry": "other:run"}, "task.toml at entry: expected a file other.py.*main.py"),
        ({"name": "Rank"}, "task.toml: expected an object with version"),
        ([], "task.toml: expected object, got"),
    ],
)
def test_a_wrong_task_toml_says_where_and_what(toml: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_task_toml(toml, FILES)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../up.py", "a//b", "a/./b", "c:\\x", "a\\b", "a\nb", "", "x" * 201]
)
def test_paths_that_could_leave_the_bundle_are_refused(path: str) -> None:
    with pytest.raises(TrustError, match="relative paths"):
        bundle({**FILES, path: b""})
    with pytest.raises(TrustError):
        open_bundle(repacked(unchanged, [*FILES.items(), (path or "/", b"")]))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("main.py", FILES["main.py"])], "a missing file data/words.txt"),
        ([*FILES.items(), ("extra.py", b"")], "an unlisted file extra.py"),
    ],
)
def test_members_must_be_those_of_the_manifest(
    members: list[tuple[str, bytes]], message: str
) -> None:
    with pytest.raises(TrustError, match=message) as refused:
        open_bundle(repacked(unchanged, members))
    assert refused.value.code == "bundle-invalid"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_may_not_come_twice() -> None:
    with pytest.raises(TrustError, match="a repeated file main.py"):
        open_bundle(repacked(unchanged, [*FILES.items(), ("main.py", FILES["main.py"])]))


@pytest.mark.parametrize(
    "content", [b"async def run(ctx, activation):\n    return 2\n", b"shorter"]
)
def test_changed_content_names_both_digests(content: bytes) -> None:
    with pytest.raises(TrustError) as refused:
        open_bundle(repacked(unchanged, [("main.py", content), ("data/words.txt", b"a\nb\n")]))

    assert refused.value.code == "digest-mismatch"
    assert refused.value.details["given"] == hashlib.sha256(content).hexdigest()


def test_the_manifest_comes_first() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", b"")
    with pytest.raises(TrustError, match=r"manifest.json first, got main.py"):
        open_bundle(packed.getvalue())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("surprise", 1),
        ("files", {}),
        ("priority", "urgent"),
        ("timeoutMs", -1),
        ("timeoutMs", math.nan),
    ],
)
def test_a_wrong_manifest_is_refused(field: str, value: object) -> None:
    with pytest.raises(TrustError, match="manifest at") as refused:
        open_bundle(repacked(lambda manifest: manifest.update({field: value}), [*FILES.items()]))
    assert refused.value.code == "bundle-invalid"


def test_a_zip_bomb_is_refused_by_its_declared_size() -> None:
    bomb = repacked(unchanged, [("main.py", bytes(40 * 2**20))])
    with pytest.raises(TrustError, match="at most 33554432 unpacked bytes"):
        open_bundle(bomb)


def test_a_member_that_unpacks_to_more_than_declared_is_refused() -> None:
    packed = bytearray(repacked(unchanged, [("main.py", bytes(2**20)), ("data/words.txt", b"")]))
    size = (2**20).to_bytes(4, "little")
    while size in packed:
        at = packed.index(size)
        packed[at : at + 4] = (16).to_bytes(4, "little")
    with pytest.raises(TrustError):
        open_bundle(bytes(packed))


def test_too_many_files_and_too_many_bytes_are_refused() -> None:
    with pytest.raises(TrustError, match="at most 256 files, got 257"):
        bundle({**FILES, **{f"{n}.txt": b"" for n in range(255)}})
    with pytest.raises(TrustError, match="at most 8388608 packed bytes, .* serve large ones"):
        open_bundle(bytes(8 * 2**20 + 1))


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", bundle()[:-1], bundle()[10:]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError) as refused:
        open_bundle(data)
    assert refused.value.code == "bundle-invalid"


PACKED = bundle()


@given(st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(1, 255)), min_size=1))
def test_flipped_bytes_never_give_another_payload(flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(PACKED)
    for offset, mask in flips:
        damaged[offset] ^= mask
    try:
        opened = open_bundle(bytes(damaged))
    except EdgeError as error:
        assert error.code in {"bundle-invalid", "digest-mismatch"}
    else:
        assert opened == open_bundle(PACKED)


@given(st.integers(0, len(PACKED) - 1))
def test_a_cut_off_bundle_is_refused(length: int) -> None:
    with pytest.raises(TrustError):
        open_bundle(PACKED[:length])


@given(st.binary(max_size=500))
def test_junk_is_refused_with_our_own_error(junk: bytes) -> None:
    with pytest.raises(TrustError):
        open_bundle(junk)
