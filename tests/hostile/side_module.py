"""A shared library for Pyodide, by hand: its initialiser has the interpreter run JavaScript."""

from typing import Final

SCRIPT: Final = b"fetch('/config.json')\0"
_I32, _VOID, _CALL, _END = 0x7F, 0x60, 0x10, 0x0B


def side_module() -> bytes:
    """Return a side module that calls ``emscripten_run_script`` as soon as it is loaded."""
    memory = bytes([1, 4, len(SCRIPT), 0, 0, 0])
    imports = [
        _name("env") + _name("emscripten_run_script") + bytes([0, 0]),
        _name("env") + _name("memory") + bytes([2, 0, 1]),
        _name("env") + _name("__memory_base") + bytes([3, _I32, 0]),
    ]
    body = bytes([0, 0x23, 0, _CALL, 0, _END])
    sections = [
        _section(0, _name("dylink.0") + memory),
        _section(1, bytes([2, _VOID, 1, _I32, 0, _VOID, 0, 0])),
        _section(2, _vector(imports)),
        _section(3, bytes([1, 1])),
        _section(7, _vector([_name("__wasm_call_ctors") + bytes([0, 1])])),
        _section(10, _vector([bytes([len(body)]) + body])),
        _section(11, bytes([1, 0, 0x23, 0, _END, len(SCRIPT)]) + SCRIPT),
    ]
    return b"\0asm\1\0\0\0" + b"".join(sections)


def _name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _vector(parts: list[bytes]) -> bytes:
    return bytes([len(parts)]) + b"".join(parts)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number, len(content)]) + content
