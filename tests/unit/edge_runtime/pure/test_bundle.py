"""The outside of a bundle: what is read is what was written, byte for byte."""

import pytest
from edge_runtime.errors import TrustError
from edge_runtime.pure.bundle import (
    MANIFEST_BYTES,
    SIGNERS,
    Signer,
    head_of,
    read_frame,
    signed_part,
)
from edge_runtime.pure.manifest_fields import digest_of
from hypothesis import given
from hypothesis import strategies as st

SIGNING = [Signer("shop-2026", "ed25519"), Signer("shop-2026", "p256")]
SIGNATURES = [b"\1" * 64, b"\2" * 64]
PAYLOAD = b"payload"
HEAD = head_of(b"{}", "s1")
SIGNED = signed_part(HEAD, SIGNING, digest_of(PAYLOAD))
WHOLE = SIGNED + b"".join(SIGNATURES) + PAYLOAD


def test_a_bundle_is_taken_apart_where_it_was_put_together() -> None:
    frame = read_frame(WHOLE)

    assert (frame.manifest, frame.seal_id, frame.head) == (b"{}", "s1", HEAD)
    assert (frame.signers, frame.signatures) == (tuple(SIGNING), tuple(SIGNATURES))
    assert (frame.signed, frame.digest, frame.payload) == (SIGNED, digest_of(PAYLOAD), PAYLOAD)


def test_the_layout_is_what_is_documented() -> None:
    digest = digest_of(b"zz")
    whole = signed_part(head_of(b"{}"), [Signer("k", "p256")], digest) + b"\3" * 64 + b"zz"

    assert whole == (
        b"EDGE\x02\0\0\0\x02{}\0\x01\x02\x01k\0\0\0\x02"
        + bytes.fromhex(digest.sha256)
        + b"\3" * 64
        + b"zz"
    )


def test_a_bundle_need_not_be_signed_or_sealed() -> None:
    frame = read_frame(signed_part(head_of(b"{}"), [], digest_of(b"")))
    assert (frame.seal_id, frame.signers, frame.payload) == ("", (), b"")


@given(st.integers(0, len(WHOLE) - 1))
def test_what_is_cut_off_before_the_payload_is_refused(length: int) -> None:
    if length >= len(SIGNED) + 128:
        assert read_frame(WHOLE[:length]).digest != digest_of(WHOLE[len(SIGNED) + 128 : length])
        return
    with pytest.raises(TrustError) as refused:
        read_frame(WHOLE[:length])
    assert refused.value.code == "bundle-invalid"


@given(st.binary(max_size=300))
def test_junk_is_refused_with_our_own_error(junk: bytes) -> None:
    for data in (junk, b"EDGE\2" + junk):
        try:
            read_frame(data)
        except TrustError as error:
            assert error.code == "bundle-invalid"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\3\4" + bytes(20), "a file that begins with EDGE"),
        (b"EDGE\1" + bytes(20), "format 2, got format 1"),
        (b"EDGE\2" + (MANIFEST_BYTES + 1).to_bytes(4, "big"), "at most 1048576 manifest bytes"),
        (b"EDGE\2\0\0\0\0" + b"\2a/", "a key id of letters"),
        (head_of(b"") + bytes([SIGNERS + 1]), "at most 16 signatures"),
        (head_of(b"") + b"\1\0", "an algorithm from 1 to 2, got 0"),
        (head_of(b"") + b"\1\3", "an algorithm from 1 to 2, got 3"),
        (head_of(b"") + b"\1\1\0", "a key id of letters"),
    ],
)
def test_another_layout_is_refused_with_what_was_expected(data: bytes, message: str) -> None:
    with pytest.raises(TrustError, match=message) as refused:
        read_frame(data)
    assert refused.value.code == "bundle-invalid"


@pytest.mark.parametrize("key_id", ["a b", "x" * 65, "-a", "é"])
def test_an_id_that_could_not_be_read_is_not_written(key_id: str) -> None:
    with pytest.raises(TrustError, match="a key id of letters"):
        head_of(b"{}", key_id)
    with pytest.raises(TrustError, match="a key id of letters"):
        signed_part(HEAD, [Signer(key_id, "p256")], digest_of(b""))
