"""Legacy checkpoints are read with their strides, and cannot run code."""

import pickle
import struct

import numpy as np
import pytest

from demo_h5.models.torch_file import MAGIC, read_state_dict

PROTOCOL_2 = b"\x80\x02"


def text(value: str) -> bytes:
    """Return the opcode that pushes a short string."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def small(*values: int) -> bytes:
    """Return the opcodes that push a tuple of small numbers."""
    return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"


def tensor(name: str, key: str, offset: int, size: bytes, strides: bytes) -> bytes:
    """Return the opcodes that put one tensor into the dictionary below."""
    names = text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu")
    storage = b"(" + names + b"K\x06t"
    arguments = b"(" + storage + b"Q" + b"K" + bytes([offset]) + size + strides + b"t"
    return text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R" + b"s"


def checkpoint(dictionary: bytes, values: list[float]) -> bytes:
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    storages = pickle.dumps(["7"], 2) + struct.pack("<q", len(values))
    return head + dictionary + storages + np.array(values, "<f4").tobytes()


def test_tensors_are_read_with_their_offset_and_strides() -> None:
    dictionary = PROTOCOL_2 + b"}"
    dictionary += tensor("plain", "7", 0, small(2, 3), small(3, 1))
    dictionary += tensor("turned", "7", 0, small(3, 2), small(1, 3))
    dictionary += tensor("tail", "7", 4, small(2), small(1))

    tensors = read_state_dict(checkpoint(dictionary + b".", [0, 1, 2, 3, 4, 5]))

    assert tensors["plain"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensors["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert tensors["tail"].tolist() == [4, 5]


def test_a_checkpoint_that_calls_something_else_is_refused() -> None:
    evil = PROTOCOL_2 + b"cos\nsystem\n(" + text("true") + b"tR."

    with pytest.raises(pickle.UnpicklingError, match="os.system has no place"):
        read_state_dict(checkpoint(evil, []))


def test_another_file_format_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a legacy PyTorch checkpoint"):
        read_state_dict(b"PK\x03\x04 a zip file")
