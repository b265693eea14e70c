"""Sealed model files: the vector that the page's side opens as well, keys, and the command."""

import base64
import hashlib
import itertools
import json
import struct
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from web_runtime.cli import main
from web_runtime.errors import ToolError
from web_runtime.seal_model import load_or_make_key, seal_model

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "sealed-models.json").read_text(encoding="utf-8")
)
KEY = bytes(range(32))


def opened(sealed: bytes, key: bytes) -> bytes:
    """Open a sealed file by what docs/reference.md says of it."""
    header = sealed[:36]
    assert header[:8] == b"EDGEMDL\x01"
    plain_bytes, chunk_bytes = struct.unpack("<QI", header[8:20])
    plain, rest, index = b"", sealed[36:], 0
    while rest:
        chunk, rest = rest[: chunk_bytes + 28], rest[chunk_bytes + 28 :]
        place = header + struct.pack("<IB", index, not rest)
        plain += AESGCM(key).decrypt(chunk[:12], chunk[12:], place)
        index += 1
    assert len(plain) == plain_bytes
    return plain


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_the_vectors_are_what_is_sealed(case: dict[str, str | int]) -> None:
    counter = itertools.count(1)

    sealed = seal_model(
        base64.b64decode(str(case["plain"])),
        bytes.fromhex(str(case["key"])),
        chunk_bytes=int(case["chunkBytes"]),
        random_bytes=lambda count: bytes([next(counter)]) * count,
    )

    assert base64.b64encode(sealed).decode() == case["sealed"]


@given(plain=st.binary(max_size=200), chunk_bytes=st.integers(1, 64))
def test_what_is_sealed_opens(plain: bytes, chunk_bytes: int) -> None:
    assert opened(seal_model(plain, KEY, chunk_bytes=chunk_bytes), KEY) == plain


def test_no_two_files_are_alike() -> None:
    one, other = (seal_model(b"model", KEY) for _ in range(2))

    assert one[20:36] != other[20:36] and one[36:48] != other[36:48]


def run(*arguments: object) -> tuple[int, str, str]:
    plain = CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    result = plain.invoke(main, ["seal-model", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_makes_a_key_once_and_tells_the_digest(tmp_path: Path) -> None:
    model, key, out = (tmp_path / name for name in ("m.onnx", "m.key", "m.sealed"))
    model.write_bytes(b"a model" * 1000)

    first = run(model, "--key", key, "-o", out)
    secret = bytes.fromhex(key.read_text())
    digest = hashlib.sha256(out.read_bytes()).hexdigest()

    assert first[0] == 0 and f"{key}: a new key" in first[1] and digest in first[1]
    assert secret.hex() not in first[1] and key.stat().st_mode & 0o077 == 0
    assert opened(out.read_bytes(), secret) == model.read_bytes()
    second = run(model, "--key", key, "-o", out)
    assert second[0] == 0 and "a new key" not in second[1]
    assert opened(out.read_bytes(), secret) == model.read_bytes()


def test_a_key_is_32_bytes_or_64_digits(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for data in (KEY, KEY.hex().encode(), f"{KEY.hex()}\n".encode()):
        path.write_bytes(data)
        assert load_or_make_key(path) == (KEY, False)


@pytest.mark.parametrize("data", [b"", b"short", b"zz" * 32, KEY.hex().encode()[:62]])
def test_another_key_is_refused_and_never_quoted(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)

    with pytest.raises(ToolError, match="expected 32 bytes or 64 hex digits") as caught:
        load_or_make_key(path)

    assert not data or data.decode() not in str(caught.value)


def test_files_that_are_not_there_are_one_message(tmp_path: Path) -> None:
    key = tmp_path / "key"

    code, _, err = run(tmp_path / "none.onnx", "--key", key, "-o", tmp_path / "x")

    assert code == 1 and "none.onnx: expected a file" in err
    # A key without a sealed file is of no use.
    assert not key.exists()
    (tmp_path / "m").write_bytes(b"m")
    code, _, err = run(tmp_path / "m", "--key", tmp_path / "no" / "key", "-o", tmp_path / "x")
    assert code == 1 and "--key: expected to write a new key" in err


def test_a_missing_package_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "web_runtime.seal_model")
    for name in [each for each in sys.modules if each.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)

    code, _, err = run(tmp_path / "m", "--key", tmp_path / "key", "-o", tmp_path / "x")

    assert code == 1
    assert "got no cryptography" in err and "pip install 'edge-web-runtime[seal]'" in err
