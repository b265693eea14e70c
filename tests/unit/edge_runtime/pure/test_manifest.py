"""What is in a bundle: what is packed opens, and nothing else does."""

import hashlib
import json
import math
from typing import Any

import pytest
from edge_runtime.bundle_writer import manifest_of, open_bundle, write_bundle, zstd
from edge_runtime.config import LIMITS
from edge_runtime.errors import ConfigError, TrustError
from edge_runtime.pure.abi import Abi, abi_here
from edge_runtime.pure.bundle import head_of, signed_part
from edge_runtime.pure.manifest import (
    Manifest,
    canonical,
    from_task_toml,
    parse_manifest,
    read_manifest,
    unpacked_files,
)
from edge_runtime.pure.manifest_fields import FileDigest, digest_of
from edge_runtime.types import Priority, Supersede

TOML = {"name": "Rank", "version": "1.0.0", "system_code": "demo", "business_code": "rank"}
FILES = {"main.py": b"async def run(ctx, activation):\n    return 1\n", "data/words.txt": b"a\nb\n"}
ABI = Abi("314.0.4", "3.14", "2b0e0d0a")


def bundle(files: dict[str, bytes] = FILES, **fields: Any) -> bytes:
    return write_bundle(from_task_toml({**TOML, **fields}, files), files)


def plain(**fields: Any) -> dict[str, Any]:
    return {**from_task_toml(TOML, FILES).to_dict(), **fields}


def raw_bundle(manifest: bytes, packed: bytes) -> bytes:
    """Return a bundle of what no writer would write."""
    return signed_part(head_of(manifest), [], digest_of(packed)) + packed


def packed(*contents: bytes) -> bytes:
    return zstd.compress(b"".join(contents))


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
    digest = {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
    with pytest.raises(TrustError, match="relative paths"):
        parse_manifest(plain(files={path: digest}))


def test_bytecode_says_for_which_interpreter_it_is() -> None:
    files = {"main.pyc": b"marshalled"}
    manifest = from_task_toml(TOML, files, ABI)

    assert (manifest.code, manifest.abi) == ("bytecode", ABI)
    assert read_manifest(canonical(manifest.to_dict())) == manifest
    with pytest.raises(ConfigError, match=r"a file main\.py"):
        from_task_toml(TOML, {"main.py": b""}, ABI)


def test_this_interpreter_is_named_by_what_its_bytecode_needs() -> None:
    here = abi_here()

    assert here.pyodide == ""
    assert parse_manifest(plain(code="bytecode", abi=here.to_dict())).abi == here


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 1}, "manifest at format"),
        ({"surprise": 1}, "manifest at surprise"),
        ({"files": {}}, "manifest at files"),
        ({"priority": "urgent"}, "manifest at priority"),
        ({"timeoutMs": -1}, "manifest at timeoutMs"),
        ({"code": "machine"}, "manifest at code"),
        ({"code": "bytecode"}, "an abi with bytecode, none with source, got code bytecode"),
        ({"abi": ABI.to_dict()}, "an abi with bytecode, none with source, got code source"),
        ({"abi": {"python": "3.14"}}, "manifest at abi"),
    ],
)
def test_a_wrong_manifest_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TrustError, match=message) as refused:
        read_manifest(canonical(plain(**fields)))
    assert refused.value.code == "bundle-invalid"


def test_a_manifest_has_one_text_only() -> None:
    text = canonical(plain())

    assert read_manifest(text) == from_task_toml(TOML, FILES)
    spaced = json.dumps(plain(), sort_keys=True).encode()
    unsorted = json.dumps(plain(), separators=(",", ":")).encode()
    twice = text.replace(b'"code":"source"', b'"code":"source","code":"source"')
    escaped = text.replace(b'"Rank"', b'"\\u0052ank"')
    for other in (spaced, unsorted, twice, escaped, text + b"\n", b"\xef\xbb\xbf" + text):
        with pytest.raises(TrustError, match="manifest in canonical form|of JSON") as refused:
            read_manifest(other)
        assert refused.value.code == "bundle-invalid"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"timeoutMs":Infinity}',
        b'"\\ud800"',
        b"[" * 100_000,
        b"9" * 5_000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_no_manifest_is_refused_with_our_own_error(text: bytes) -> None:
    with pytest.raises(TrustError) as refused:
        read_manifest(text)
    assert refused.value.code == "bundle-invalid"


@pytest.mark.parametrize(
    "content", [b"async def run(ctx, activation):\n    return 2\n", b"shorter", b"", b"x" * 60]
)
def test_other_content_is_never_handed_on(content: bytes) -> None:
    manifest = from_task_toml(TOML, FILES)

    with pytest.raises(TrustError) as refused:
        unpacked_files(manifest, packed(FILES["data/words.txt"], content))
    same_size = len(content) == len(FILES["main.py"])
    assert refused.value.code == ("digest-mismatch" if same_size else "bundle-invalid")


def test_changed_content_names_both_digests() -> None:
    content = FILES["main.py"].replace(b"1", b"2")
    with pytest.raises(TrustError, match=r"bundle file main\.py") as refused:
        unpacked_files(from_task_toml(TOML, FILES), packed(FILES["data/words.txt"], content))
    assert refused.value.details["path"] == "main.py"
    assert refused.value.details["given"] == hashlib.sha256(content).hexdigest()


def test_files_lie_in_the_order_of_their_paths() -> None:
    manifest = from_task_toml(TOML, FILES)

    assert unpacked_files(manifest, packed(FILES["data/words.txt"], FILES["main.py"])) == FILES
    with pytest.raises(TrustError):
        unpacked_files(manifest, packed(FILES["main.py"], FILES["data/words.txt"]))


def test_empty_files_are_files() -> None:
    files = {"main.py": b"", "a": b""}
    assert open_bundle(bundle(files)).files == files


def test_what_unpacks_to_more_than_listed_is_not_unpacked() -> None:
    manifest = from_task_toml(TOML, FILES)
    bomb = zstd.compress(bytes(256 * 2**20), level=1)

    with pytest.raises(TrustError, match=r"at most \d\d bytes unpacked, got more"):
        unpacked_files(manifest, bomb)
    for wrong in (b"", b"junk", packed(*FILES.values())[:-1], packed(*FILES.values()) + b"x"):
        with pytest.raises(TrustError, match="bytes of files") as refused:
            unpacked_files(manifest, wrong)
        assert refused.value.code == "bundle-invalid"


def test_too_many_files_and_too_many_bytes_are_refused() -> None:
    with pytest.raises(TrustError, match="at most 256 files, got 257"):
        bundle({**FILES, **{f"{n}.txt": b"" for n in range(255)}})
    with pytest.raises(TrustError, match="at most 8388608 packed bytes, .* serve large ones"):
        open_bundle(bytes(8 * 2**20 + 1))
    listed = FileDigest("0" * 64, LIMITS.bundle_unpacked_bytes + 1)
    manifest = from_task_toml(TOML, FILES)
    large = Manifest(**{**fields_of(manifest), "files": {"main.py": listed}})
    with pytest.raises(TrustError, match="at most 33554432 unpacked bytes"):
        unpacked_files(large, b"")


def fields_of(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}


def test_the_manifest_is_read_without_the_files() -> None:
    text = canonical(plain())

    assert manifest_of(raw_bundle(text, b"no frame")) == from_task_toml(TOML, FILES)
    with pytest.raises(TrustError):
        open_bundle(raw_bundle(text, b"no frame"))


def test_a_bundle_has_the_files_of_its_manifest() -> None:
    manifest = from_task_toml(TOML, FILES)
    for files in ({**FILES, "extra.py": b""}, {"main.py": FILES["main.py"]}):
        with pytest.raises(TrustError, match="the files of the manifest"):
            write_bundle(manifest, files)
