"""Python's standard library as it is served: without what nothing in a browser can use."""

import io
import zipfile
from typing import Final

from .archive import archive

# Top-level names: desktops, servers, mail, processes, and what developers run at a prompt. Pyodide
# itself needs more than one would think (`traceback` imports `codeop`): cold-boot after a change.
NOT_NEEDED: Final = frozenset(
    {
        "_pyrepl",
        "bdb",
        "cProfile",
        "doctest",
        "ensurepip",
        "ftplib",
        "idlelib",
        "imaplib",
        "lib2to3",
        "mailbox",
        "multiprocessing",
        "pdb",
        "poplib",
        "profile",
        "pstats",
        "pydoc",
        "pydoc_data",
        "smtplib",
        "socketserver",
        "test",
        "tkinter",
        "turtle",
        "turtledemo",
        "unittest",
        "venv",
        "webbrowser",
        "wsgiref",
        "xmlrpc",
    }
)


def trimmed(stdlib: bytes) -> bytes:
    """Return the library's zip without :data:`NOT_NEEDED`."""
    with zipfile.ZipFile(io.BytesIO(stdlib)) as whole:
        return archive({name: whole.read(name) for name in whole.namelist() if is_needed(name)})


def is_needed(member: str) -> bool:
    """Say whether a member of the zip is served."""
    return member.split("/")[0].removesuffix(".py") not in NOT_NEEDED
